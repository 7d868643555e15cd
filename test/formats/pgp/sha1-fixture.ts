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
