/* Letters that extortionists leave behind. */

rule ransom_note
{
    meta:
        description = "Letter that asks for money for files that were encrypted"
        description_vi = "Thư đòi tiền chuộc dữ liệu bị mã hoá"
        reference = "ATT&CK T1486"
    strings:
        $locked_1 = /\b(all|your)\s+(of\s+your\s+)?(important\s+)?(files|documents|data|network)\b[^\n]{0,80}\b(encrypted|locked)\b/ ascii wide nocase
        $locked_2 = "have been encrypted" ascii wide nocase
        $locked_3 = "dữ liệu của bạn đã bị mã hóa" nocase
        $locked_4 = "tập tin của bạn đã bị mã hóa" nocase
        $pay_1 = "bitcoin" ascii wide nocase fullword
        $pay_2 = "monero" ascii wide nocase fullword
        $pay_3 = ".onion" ascii wide nocase
        $pay_4 = "ransom" ascii wide nocase
        $pay_5 = "tiền chuộc" nocase
        $key_1 = /\bdecrypt(or|ion|ing)?\b/ ascii wide nocase
        $key_2 = "private key" ascii wide nocase
        $key_3 = "giải mã" nocase
        $threat_1 = /(do not|don't)\s+(rename|modify|try to (decrypt|recover))/ ascii wide nocase
        $threat_2 = /\b(publish|leak|sell)\b[^\n]{0,60}\b(data|files)\b/ ascii wide nocase
        $threat_3 = "không đổi tên" nocase
    condition:
        filesize < 200KB and any of ($locked*) and any of ($pay*) and (any of ($key*) or any of ($threat*))
}
