/* Scripts that hide what they do. */

rule encoded_powershell
{
    meta:
        description = "PowerShell started with an encoded command, or one that unpacks and runs what it carries"
        description_vi = "PowerShell chạy lệnh đã mã hoá, hoặc tự giải nén rồi chạy"
        reference = "ATT&CK T1059.001, T1027"
    strings:
        $encoded = /powershell(\.exe)?["']?\s+([-\/]\w+(\s+[\w.]+)?\s+){0,6}[-\/]e(nc?|ncodedcommand|c)?\s+["']?[A-Za-z0-9+\/]{40,}/ ascii wide nocase
        $unpack = /(iex|invoke-expression)[^\r\n]{0,200}frombase64string\s*\(/ ascii wide nocase
        $stream = /frombase64string\s*\([^\r\n]{0,4000}(gzipstream|deflatestream)/ ascii wide nocase
        $fetch = /(iex|invoke-expression)[^\r\n]{0,80}(net\.webclient|invoke-webrequest|\biwr\b)[^\r\n]{0,80}https?:/ ascii wide nocase
    condition:
        any of them
}
