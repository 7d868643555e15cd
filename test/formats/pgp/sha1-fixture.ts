// A key and a SHA-1 signature, which no library here makes any more. Made with gpg 2.2 in an empty GNUPGHOME:
//   gpg --batch --faked-system-time 20260101T000000 --passphrase '' --quick-generate-key weak rsa2048 sign never
//   gpg --batch --faked-system-time 20260201T000000 --digest-algo SHA1 --armor --detach-sign content
// where content is the text that signature.test.ts signs.
export const weakKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mQENBGlVuQABCAC3iMTlBlY3yHPxpf136b9EO8lgqx1HQMazHR9to7zfuKipfoeW
HMi31zXwvWzxh5DBSoE4eizi+0Lx2J9HkJp8Zk6ZnnBZ9b88hFmPhajSTXeZ4qqA
O5qBpmWOC3YRoWwIjzmtuFYALKOZX6NxXki9UC2TY19CEYuERDtOK8B+4zclMpNh
gcGovkmeiRKcEvWKJiGRlfqG1SwyIQwlmW/xyIoRNeEo2kZrjiyRzn/Qd5pYHDqA
IphqYj0nX5QLsl5J/laMQhynK2i4Id9vLit/1Khm/FPL09yeD5M3U6CUxo0PF0zG
Ieufnde2H+UMOZaxElZ1Ib/euAmWAVPw3t4tABEBAAG0BHdlYWuJAU4EEwEKADgW
IQQQ/TCmg6tbAk7APdJtKBUxMlsh3AUCaVW5AAIbAwULCQgHAgYVCgkICwIEFgID
AQIeAQIXgAAKCRBtKBUxMlsh3CNoB/oCg0YkGfH7QAO9921t3W+tnE6FdX956ceL
dWrJe2DYar4V3GuVAOFtjH6PUNJcfE98tAQwtlxCGFidmlFbzB6jRcZlEHqcdd+C
B6kPYIrqVSdKCPUH9vnmPXx9ArQMK8174ETTOEsbEWChSKGnYGOsi8Z5l9NpQ0F8
a+zkxbLwTW1bul56T2lCavym3aSlDqxl8Hv5piaD/47CwBoimq6ZzKRtmuTk+sQQ
EdDk1bqQ+l8v+gO54O5I6eFMTxPuop0Ed4Vg6DXlApH8CrfN2yrnOxN3Bfr8lkdK
O7nd5gbhfhRs0nrQwlj9Ua2yMmOqM7GuqrUXL1kDyivx3tc9r+Uu
=Ds4k
-----END PGP PUBLIC KEY BLOCK-----
`;

export const sha1Signature = `-----BEGIN PGP SIGNATURE-----

iQEzBAABAgAdFiEEEP0wpoOrWwJOwD3SbSgVMTJbIdwFAml+l4AACgkQbSgVMTJb
Idxxxwf/TLDvfsoCfLzBOM9iPGWs5t/m0ZAPBoZO+qJablynLO8zXE/wJuRdSJhR
NRpiEbU3HUBphwoPqwweHN3qqUMIkZUpHMkEUrzsPb0iYhShgy1qupvnuChbiDwa
w7174FhIagzGZBnTwf6bNx+4sEfenyR/VtfEmoAMSmUI8w4N4vIXFKgf9uldtSS/
N4QBrYTLNIbAbxcGKmBFVtxma48DgZAbIm15qrOSx66WSSbBmsZqYNlhVJlyMnW/
ZgcytoXPJFwdMiicbPEFoXzempXC8Zdce/+5JSxPJ9Sz21LQ2q5OPP7bNucYbnjG
HcQ8C5wKYWPBTWl41yB/8r7nb1rkHw==
=WU9+
-----END PGP SIGNATURE-----
`;

// A DSA key of 1024 bits and a SHA-256 signature, made likewise:
//   gpg --batch --enable-dsa2 --faked-system-time 20260101T000000 --passphrase '' --quick-generate-key dsa dsa1024 sign never
//   gpg --batch --enable-dsa2 --faked-system-time 20260201T000000 --digest-algo SHA256 --armor --detach-sign content
export const dsaKey = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mQGiBGlVuQARBAC3JZmy8mv29DRPeitEY2SC9bJAGsdtqZyPh3zQSLYO5gAZ8aDF
g3UewKp8L58bFUSUhaUM96L/MWRltBQSa4WZj9M58UTi7E+/GrPq22qNo5xAzHZb
+uqpnO+IOZy8EwD0Fi1KP80HYJ8GbG4DuzyiI3IMdkP5MrkVmHMysiIFVwCggXvR
6qq0KOtK0sPRGno60yBqtjUEAIBQIS3d8VuJR4+s51HYnl1HEztQK6971VB2fuyI
CAeDtaHTDWJptUv/6/S4zdkxiCK/j+hq7ZFmz2TqHHDvILq7xFskwk1/7RD+TNTD
zYW8kYueiBMMYM2gRYAVGc/+2kMjmr2lyZSjHe2uzWWso0fRNozpd7XFN/BjuJRS
G6hjA/9+XTHNifmFKvhJNOVxrjUXV0nmgxPs8MTAubpoPBGChVXxAw8768jLWoF5
ZSED5gOUzf9YkRdsnHK1OqReWwB4jgZXMZjND+x67trouV3eLhXAQqPeu3uxtzQv
IpDZwHEmMPFk8ch+2YVCxR5E5C26SpYRCEp6GdbKEqnCnWVChLQDZHNhiHgEExEC
ADgWIQTZQ8IMkopZPFXMgQhEUF0hvztzdQUCaVW5AAIbAwULCQgHAgYVCgkICwIE
FgIDAQIeAQIXgAAKCRBEUF0hvztzdVOOAJ9bNE9o3+7YciGDR1nRrNX56SMIGwCf
WPDoqXyYtqbnHDT6On4stWeqVfI=
=Gu/g
-----END PGP PUBLIC KEY BLOCK-----
`;

export const dsaSignature = `-----BEGIN PGP SIGNATURE-----

iF0EABEIAB0WIQTZQ8IMkopZPFXMgQhEUF0hvztzdQUCaX6XgAAKCRBEUF0hvztz
dUbuAJ4jq1MhWXKsQ5FnSW+xbogb/LrHxQCfSLeAFj+K74tztc4/Vza8j8lMpLI=
=NE4L
-----END PGP SIGNATURE-----
`;
