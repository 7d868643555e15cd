"""Records how rpm itself orders versions: /usr/bin/python3 record-evr.py > test/fixtures/rpm/version-order.json (needs python3-rpm)."""
import json
import random

import rpm

random.seed(8)
PARTS = ["1", "2", "10", "0", "00", "7", "a", "b", "rc", "alpha", "Z", "~", "^", ".", "_", "+", "git", "2024", ".", ".", "~rc1", "^git1", "0a"]
FIXED = """1.0|1.0 1.0|2.0 2.0|2.0.1 2.0.1a|2.0.1 5.5p1|5.5p2 5.5p10|5.5p1 10xyz|10.1xyz xyz10|xyz10.1 xyz.4|8 xyz.4|2 5.6p1|6.5p1 6.0.rc1|6.0
10b2|10a1 1.0aa|1.0a 10.0001|10.0039 4.999.9|5.0 20101121|20101122 2_0|2.0 a+|a_ +|_ 1.0~rc1|1.0 1.0~rc1|1.0~rc2 1.0~rc1~git123|1.0~rc1 1.0^|1.0
1.0^git1|1.0^git2 1.0^git1|1.01 1.0^20160101|1.0.1 1.0~rc1^git1|1.0~rc1 1.0^git1~pre|1.0^git1 1b.fc17|1.fc17 1.fc17|1g.fc17 ~|1 ^|1 ^|~ ~^|~ 1^~|1~^"""


def text():
    return "".join(random.choice(PARTS) for _ in range(random.randint(1, 5)))


pairs = [tuple(pair.split("|")) for pair in FIXED.split()]
rows = []
while len(rows) < 500:
    if pairs:
        a, b = pairs.pop(0)
    else:
        a = text()
        b = text() if random.random() < 0.5 else a + random.choice(PARTS)
        if random.random() < 0.2:
            b = a.replace("1", "01", 1)
    try:
        rows.append([a, b, rpm.labelCompare(("0", a, "1"), ("0", b, "1"))])
    except ValueError:  # rpm takes no such version
        continue
print("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
