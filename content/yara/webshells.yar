/* Web shells: pages that run what a visitor sends. Our own; words of many families, not of one. */

rule webshell_php
{
    meta:
        description = "PHP page that runs code or commands from a request"
        description_vi = "Trang PHP chạy mã hoặc lệnh lấy từ yêu cầu web (web shell)"
        reference = "ATT&CK T1505.003"
    strings:
        $php = "<?php" nocase
        $php_short = "<?="
        $direct = /\b(eval|assert|system|exec|shell_exec|passthru|popen|proc_open|create_function)\s*\(\s*(@|stripslashes\s*\(\s*|base64_decode\s*\(\s*|gzinflate\s*\(\s*base64_decode\s*\(\s*|str_rot13\s*\(\s*)?\$_(GET|POST|REQUEST|COOKIE|SERVER)\b/ nocase
        $ticks = /`\s*\$_(GET|POST|REQUEST|COOKIE)\[/ nocase
        $packed = /\b(eval|assert)\s*\(\s*(gzinflate|gzuncompress|str_rot13|base64_decode)\s*\(\s*(base64_decode|str_rot13|gzinflate|gzuncompress)?\s*\(?\s*['"$]/ nocase
        $by_name = /\$_(GET|POST|REQUEST)\[['"]?\w{1,20}['"]?\]\s*\(\s*\$_(GET|POST|REQUEST)\[/ nocase
        $input = /\b(eval|assert)\s*\(\s*file_get_contents\s*\(\s*['"]php:\/\/input/ nocase
    condition:
        any of ($php*) and any of ($direct, $ticks, $packed, $by_name, $input)
}

rule webshell_aspx
{
    meta:
        description = "ASP or ASP.NET page that runs code or commands from a request"
        description_vi = "Trang ASP/ASP.NET chạy mã hoặc lệnh lấy từ yêu cầu web (web shell)"
        reference = "ATT&CK T1505.003"
    strings:
        $page = /<%@?\s*(page|language|webhandler|webservice)/ nocase
        $asp = "<%"
        $script = /<script[^>]{0,80}runat\s*=\s*["']?server/ nocase
        $eval = /\b(eval|execute|executeglobal)\s*\(?\s*request\s*(\.\s*(item|form|querystring|params))?\s*[\[\(]\s*["']/ nocase
        $process = /process\s*\.\s*start\s*\(|new\s+processstartinfo|wscript\.shell|\.createobject\s*\(\s*["']wscript/ nocase
        $asked = /request\s*(\.\s*(item|form|querystring|params|headers))?\s*[\[\(]\s*["']/ nocase
        $cmd = /cmd(\.exe)?["'\s]{0,4}[,&+]?\s{0,4}["']?\s*\/c\b/ nocase
        $loaded = /assembly\s*\.\s*load\s*\(\s*(convert\s*\.\s*frombase64string|request)/ nocase
    condition:
        any of ($page, $asp, $script) and ($eval or $loaded or ($process and $asked and $cmd))
}

rule webshell_jsp
{
    meta:
        description = "JSP page that runs commands or loads code from a request"
        description_vi = "Trang JSP chạy lệnh hoặc nạp mã lấy từ yêu cầu web (web shell)"
        reference = "ATT&CK T1505.003"
    strings:
        $jsp = "<%"
        $jspx = "jsp:scriptlet"
        $asked = /request\s*\.\s*(getParameter|getHeader|getInputStream|getReader)\s*\(/
        $exec = /Runtime\s*\.\s*getRuntime\s*\(\s*\)\s*\.\s*exec\s*\(|new\s+ProcessBuilder\s*\(/
        $load = /extends\s+ClassLoader[^}]{0,400}defineClass\s*\(/
        $reflect = /getDeclaredMethod\s*\(\s*"defineClass"/
    condition:
        any of ($jsp, $jspx) and $asked and any of ($exec, $load, $reflect)
}
