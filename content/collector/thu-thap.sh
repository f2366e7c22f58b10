#!/bin/sh
# Lũy Tre: thu thập dấu vết trên máy Linux để điều tra sự cố. Collects traces of an incident on a Linux machine.
#
# sh thu-thap.sh [-o FOLDER] [-d DAYS] [-s MEGABYTES] [-l vi|en] [-y]
#   -o  where to write: a USB stick, not the disk under inquiry (default: the folder of this script)
#   -d  logs of how many days (default 14)   -s  most megabytes of logs (default 2048)
#   -l  language   -y  ask nothing
# Nothing on the machine is changed. Run as root to see everything. Begun again after a break, it goes on.
set -u
umask 077
LC_ALL=C
export LC_ALL

out=$(dirname "$0") days=14 most_mb=2048 lang=vi ask=yes
while getopts o:d:s:l:y option; do
  case $option in
    o) out=$OPTARG ;; d) days=$OPTARG ;; s) most_mb=$OPTARG ;; l) lang=$OPTARG ;; y) ask=no ;;
    *) exit 2 ;;
  esac
done
case $days$most_mb in *[!0-9]*) echo "-d, -s: numbers" >&2; exit 2 ;; esac

say() { if [ "$lang" = en ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }
fail() { say "LỖI: $1" "ERROR: $2" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

have sha256sum || fail "máy này thiếu lệnh sha256sum" "this machine has no sha256sum"
have tar || fail "máy này thiếu lệnh tar" "this machine has no tar"
host=$(uname -n | tr -c 'A-Za-z0-9._-' '_' | sed 's/_*$//')
name="thu-thap-$host"
work="$out/$name"
mkdir -p "$work/.xong" || fail "không ghi được vào $out" "cannot write to $out"

if [ "$ask" = yes ]; then
  say "Thu thập dấu vết trên máy $host vào $work" "Collecting traces of $host into $work"
  [ "$(id -u)" = 0 ] || say "Chú ý: chưa chạy bằng quyền root, sẽ thiếu một phần." "Note: not run as root, some will be missing."
  say "Bấm Enter để bắt đầu, Ctrl+C để thôi." "Press Enter to begin, Ctrl+C to stop."
  read -r _ || true
fi

# Runs one command; its answer and its complaints become a file. What is not there is left out.
take() {
  file="$work/$1"
  shift
  have "$1" || return 0
  mkdir -p "$(dirname "$file")"
  "$@" >"$file" 2>>"$work/complaints.txt" </dev/null || echo "$file: exit $?" >>"$work/complaints.txt"
}

# Copies files as they are, with their times; devices and what cannot be read are left out.
copy() {
  for path in "$@"; do
    [ -f "$path" ] && [ -r "$path" ] || continue
    mkdir -p "$work/files$(dirname "$path")" && cp -p "$path" "$work/files$path" 2>>"$work/complaints.txt"
  done
}

step_system() {
  take system/date.txt date -u +%Y-%m-%dT%H:%M:%SZ
  take system/uname.txt uname -a
  take system/uptime.txt uptime
  take system/id.txt id
  take system/disks.txt df -k
  take system/mounts.txt cat /proc/mounts
  take system/modules.txt cat /proc/modules
  take system/packages-dpkg.txt dpkg -l
  take system/packages-rpm.txt rpm -qa --last
  copy /etc/os-release /etc/hostname /etc/hosts /etc/resolv.conf /etc/timezone
}

step_processes() {
  take processes/ps.txt ps -eo user,pid,ppid,lstart,tty,stat,args -ww
  take processes/tree.txt ps axjfww
  mkdir -p "$work/processes"
  for folder in /proc/[0-9]*; do
    printf '%s\t%s\t%s\n' "${folder#/proc/}" "$(readlink "$folder/exe" 2>/dev/null)" "$(readlink "$folder/cwd" 2>/dev/null)"
  done >"$work/processes/programs.txt"
}

step_network() {
  take network/sockets.txt ss -tuapn
  have ss || take network/sockets.txt netstat -tuapn
  take network/addresses.txt ip address
  take network/routes.txt ip route
  take network/neighbours.txt ip neighbour
  take network/iptables.txt iptables-save
  take network/nftables.txt nft list ruleset
}

step_accounts() {
  take accounts/who.txt who -a
  take accounts/last.txt last -Fwx
  take accounts/failed.txt lastb -Fw
  take accounts/lastlog.txt lastlog
  copy /etc/passwd /etc/group /etc/sudoers /etc/sudoers.d/* /etc/ssh/sshd_config
  copy /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
  copy /root/.bash_history /home/*/.bash_history
}

step_autoruns() {
  take autoruns/units.txt systemctl list-unit-files --no-pager
  take autoruns/timers.txt systemctl list-timers --all --no-pager
  take autoruns/at.txt atq
  copy /etc/crontab /etc/cron.*/* /var/spool/cron/* /var/spool/cron/crontabs/* /etc/rc.local /etc/ld.so.preload
  copy /etc/profile /etc/profile.d/* /etc/systemd/system/*.service /etc/systemd/system/*.timer /etc/init.d/*
}

step_traces() {
  mkdir -p "$work/traces"
  for folder in /tmp /var/tmp /dev/shm /var/www /srv/www; do
    [ -d "$folder" ] || continue
    case "$work" in "$folder"/*) continue ;; esac
    find "$folder" -xdev -type f -mtime "-$days" -size -20480k -exec sha256sum {} + 2>/dev/null
  done >"$work/traces/recent-sha256.txt"
  find / -xdev -type f \( -perm -4000 -o -perm -2000 \) -exec ls -ln {} + >"$work/traces/setuid.txt" 2>/dev/null
}

step_logs() {
  take logs/journal.json journalctl --no-pager -o json --since "$days days ago"
  left=$((most_mb * 1024))
  find /var/log -xdev -type f -mtime "-$days" ! -path '*/journal/*' 2>/dev/null | sort >"$work/.logs"
  while IFS= read -r path; do
    size=$(du -k "$path" 2>/dev/null | cut -f1)
    if [ "${size:-0}" -gt "$left" ]; then
      echo "$path: left out, too large" >>"$work/complaints.txt"
      continue
    fi
    left=$((left - ${size:-0}))
    copy "$path"
  done <"$work/.logs"
  rm -f "$work/.logs"
}

for step in system processes network accounts autoruns traces logs; do
  if [ -f "$work/.xong/$step" ]; then
    say "  $step: đã có" "  $step: there already"
    continue
  fi
  say "  $step …" "  $step …"
  "step_$step"
  : >"$work/.xong/$step"
done

say "Lấy mã băm…" "Taking digests…"
(cd "$work" && find . -type f ! -name MANIFEST.sha256 ! -path './.xong/*' -exec sha256sum {} + >MANIFEST.sha256) ||
  fail "không lấy được mã băm" "cannot take digests"
packed="$out/$name-$(date -u +%Y%m%dT%H%M%SZ).tar.gz"
say "Đóng gói…" "Packing…"
tar -C "$out" --exclude="$name/.xong" -czf "$packed.part" "$name" || fail "không đóng gói được" "cannot pack"
mv "$packed.part" "$packed" && rm -rf "$work"
digest=$(sha256sum "$packed" | cut -d' ' -f1)
say "Xong: $packed" "Done: $packed"
say "SHA-256: $digest (ghi vào biên bản)" "SHA-256: $digest (write it into the record)"
say "Nộp tệp này ở trang Chứng cứ của sự cố." "Hand this file in at the incident's page Evidence."
