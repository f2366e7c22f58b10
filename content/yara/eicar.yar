/* The harmless file by which everyone tries whether a scanner works (EICAR). */

rule eicar_test_file
{
    meta:
        description = "EICAR test file: harmless, tells that scanning works"
        description_vi = "Tệp thử EICAR: vô hại, cho biết việc quét hoạt động"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
    strings:
        $whole = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    condition:
        $whole
}
