# Lũy Tre: thu thập dấu vết trên máy Windows để điều tra sự cố. Collects traces of an incident on a Windows machine.
#
# powershell -ExecutionPolicy Bypass -File thu-thap.ps1 [-Out FOLDER] [-Days N] [-Lang vi|en] [-Yes]
#   -Out   where to write: a USB stick, not the disk under inquiry (default: the folder of this script)
#   -Days  files of how many days (default 14)   -Lang  language   -Yes  ask nothing
# Nothing on the machine is changed. Run as administrator to see everything. Begun again after a break, it goes on.
param([string]$Out = $PSScriptRoot, [int]$Days = 14, [string]$Lang = 'vi', [switch]$Yes)
$ErrorActionPreference = 'Continue'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2

function Say([string]$Vi, [string]$En) { if ($Lang -eq 'en') { Write-Host $En } else { Write-Host $Vi } }
[Console]::OutputEncoding = [System.Text.Encoding]::UTF8
$name = 'thu-thap-' + ($env:COMPUTERNAME -replace '[^A-Za-z0-9._-]', '_')
$work = Join-Path $Out $name
$marks = Join-Path $work '.xong'
New-Item -ItemType Directory -Force -Path $marks | Out-Null
if (-not (Test-Path $marks)) { Say "LỖI: không ghi được vào $Out" "ERROR: cannot write to $Out"; exit 1 }

if (-not $Yes) {
    Say "Thu thập dấu vết trên máy $env:COMPUTERNAME vào $work" "Collecting traces of $env:COMPUTERNAME into $work"
    $me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Say 'Chú ý: chưa chạy bằng quyền quản trị, sẽ thiếu một phần.' 'Note: not run as administrator, some will be missing.'
    }
    Say 'Bấm Enter để bắt đầu, Ctrl+C để thôi.' 'Press Enter to begin, Ctrl+C to stop.'
    [void](Read-Host)
}

function Take([string]$File, [scriptblock]$What) {
    $path = Join-Path $work $File
    New-Item -ItemType Directory -Force -Path (Split-Path $path) | Out-Null
    try { & $What 2>> (Join-Path $work 'complaints.txt') | Out-File -FilePath $path -Encoding utf8 -Width 4096 }
    catch { "$File : $_" | Out-File -Append -Encoding utf8 (Join-Path $work 'complaints.txt') }
}

function TakeCsv([string]$File, [scriptblock]$What) {
    Take $File { & $What | ConvertTo-Csv -NoTypeInformation }
}

$steps = [ordered]@{
    system = {
        Take 'system/date.txt' { (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ') }
        Take 'system/systeminfo.txt' { systeminfo }
        TakeCsv 'system/hotfixes.csv' { Get-HotFix | Select-Object HotFixID, InstalledOn, InstalledBy }
        TakeCsv 'system/drivers.csv' { Get-CimInstance Win32_SystemDriver | Select-Object Name, State, StartMode, PathName }
        TakeCsv 'system/shares.csv' { Get-CimInstance Win32_Share | Select-Object Name, Path, Description }
    }
    processes = {
        TakeCsv 'processes/processes.csv' {
            Get-CimInstance Win32_Process | Select-Object ProcessId, ParentProcessId, Name, ExecutablePath, CommandLine, CreationDate
        }
        Take 'processes/services-of-processes.txt' { tasklist /svc }
    }
    network = {
        Take 'network/netstat.txt' { netstat -ano }
        Take 'network/ipconfig.txt' { ipconfig /all }
        Take 'network/dns-cache.txt' { ipconfig /displaydns }
        Take 'network/arp.txt' { arp -a }
        Take 'network/routes.txt' { route print }
        Take 'network/sessions.txt' { net session }
        Take 'network/hosts.txt' { Get-Content "$env:SystemRoot\System32\drivers\etc\hosts" }
    }
    accounts = {
        TakeCsv 'accounts/users.csv' { Get-CimInstance Win32_UserAccount -Filter 'LocalAccount=True' | Select-Object Name, SID, Disabled, PasswordRequired }
        Take 'accounts/administrators.txt' { net localgroup administrators }
        Take 'accounts/logged-on.txt' { query user }
    }
    autoruns = {
        TakeCsv 'autoruns/services.csv' { Get-CimInstance Win32_Service | Select-Object Name, DisplayName, State, StartMode, PathName, StartName }
        Take 'autoruns/tasks.csv' { schtasks /query /v /fo csv }
        TakeCsv 'autoruns/startup.csv' { Get-CimInstance Win32_StartupCommand | Select-Object Name, Command, Location, User }
        Take 'autoruns/run-keys.txt' {
            foreach ($key in 'HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run', 'HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\RunOnce',
                'HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Run', 'HKCU\SOFTWARE\Microsoft\Windows\CurrentVersion\Run',
                'HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon', 'HKLM\SYSTEM\CurrentControlSet\Control\Lsa') { reg query $key }
        }
        TakeCsv 'autoruns/wmi.csv' { Get-CimInstance -Namespace root/subscription -ClassName CommandLineEventConsumer | Select-Object Name, CommandLineTemplate }
    }
    traces = {
        TakeCsv 'traces/recent-files.csv' {
            $since = (Get-Date).AddDays(-$Days)
            Get-ChildItem -Recurse -File -Force -ErrorAction SilentlyContinue -Path $env:TEMP, "$env:SystemRoot\Temp", 'C:\Users\Public', 'C:\inetpub', 'C:\ProgramData' |
                Where-Object { $_.LastWriteTime -gt $since -and $_.Length -lt 20MB } |
                Select-Object FullName, Length, LastWriteTimeUtc, @{ n = 'Sha256'; e = { (Get-FileHash -Algorithm SHA256 $_.FullName -ErrorAction SilentlyContinue).Hash } }
        }
        TakeCsv 'traces/prefetch.csv' { Get-ChildItem "$env:SystemRoot\Prefetch" -ErrorAction SilentlyContinue | Select-Object Name, CreationTimeUtc, LastWriteTimeUtc }
    }
    logs = {
        $folder = Join-Path $work 'logs'
        New-Item -ItemType Directory -Force -Path $folder | Out-Null
        foreach ($log in (wevtutil el)) {
            $info = Get-WinEvent -ListLog $log -ErrorAction SilentlyContinue
            if ($null -eq $info -or $info.RecordCount -eq 0) { continue }
            $file = Join-Path $folder (($log -replace '[\\/:*?"<>|]', '%4') + '.evtx')
            if (-not (Test-Path $file)) { wevtutil epl $log $file 2>> (Join-Path $work 'complaints.txt') }
        }
    }
}

foreach ($step in $steps.Keys) {
    $mark = Join-Path $marks $step
    if (Test-Path $mark) { Say "  ${step}: đã có" "  ${step}: there already"; continue }
    Say "  $step …" "  $step …"
    & $steps[$step]
    New-Item -ItemType File -Force -Path $mark | Out-Null
}

Say 'Lấy mã băm…' 'Taking digests…'
Remove-Item -Recurse -Force $marks
$base = (Resolve-Path $work).Path.TrimEnd('\') + '\'
$lines = Get-ChildItem -Recurse -File -Force $work | Where-Object { $_.Name -ne 'MANIFEST.sha256' } | ForEach-Object {
    (Get-FileHash -Algorithm SHA256 $_.FullName).Hash.ToLower() + '  ./' + $_.FullName.Substring($base.Length).Replace('\', '/')
}
[System.IO.File]::WriteAllText((Join-Path $base 'MANIFEST.sha256'), ($lines -join "`n") + "`n", (New-Object System.Text.UTF8Encoding $false))
$packed = Join-Path $Out ($name + '-' + (Get-Date).ToUniversalTime().ToString('yyyyMMddTHHmmssZ') + '.zip')
Say 'Đóng gói…' 'Packing…'
Add-Type -AssemblyName System.IO.Compression.FileSystem
[System.IO.Compression.ZipFile]::CreateFromDirectory($base.TrimEnd('\'), $packed, [System.IO.Compression.CompressionLevel]::Optimal, $true)
Remove-Item -Recurse -Force $work
Say "Xong: $packed" "Done: $packed"
$digest = (Get-FileHash -Algorithm SHA256 $packed).Hash.ToLower()
Say "SHA-256: $digest (ghi vào biên bản)" "SHA-256: $digest (write it into the record)"
Say 'Nộp tệp này ở trang Chứng cứ của sự cố.' "Hand this file in at the incident's page Evidence."
