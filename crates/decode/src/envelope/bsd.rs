//! RFC 3164 and what devices make of it: no priority, ISO times, no host, no tag, a year, Cisco's
//! sequence numbers and `%FACILITY-SEVERITY-MNEMONIC`.

use super::Envelope;
use crate::attribute;
use crate::parsed::StatedTime;
use crate::scan::Scan;
use crate::time;

/// Longest program name taken from a tag. RFC 3164 says 32; `systemd` units and paths are longer.
const TAG_BYTES_MAX: usize = 96;

/// What logging libraries write between the time and the logger's name.
const LEVELS: [&str; 10] =
    ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "SEVERE", "CRITICAL", "FATAL"];

/// Reads what follows the priority (or the whole text, if there is none).
pub(super) fn read(text: &str, has_priority: bool) -> Option<Envelope<'_>> {
    let mut envelope = Envelope::default();
    let mut scan = Scan::new(text);
    if has_priority {
        cisco_sequence(&mut scan);
        origin(&mut scan, &mut envelope);
    }
    match stamp(&mut scan) {
        Some((stated, written)) => {
            envelope.time = Some(stated);
            envelope.stamp = Some(written);
        }
        None if has_priority => {
            tag(&mut scan, &mut envelope);
            envelope.message = scan.rest;
            return Some(envelope);
        }
        None => return None,
    }
    scan.eat(":");
    scan.spaces();
    // ClamAV's own log is no syslog.
    if !has_priority && scan.rest.starts_with("-> ") {
        return None;
    }
    if envelope.host.is_none() {
        host(&mut scan, &mut envelope);
    }
    tag(&mut scan, &mut envelope);
    // Any application log may open with an ISO time: without priority, only a tag makes it syslog,
    // and a level in the host's place unmakes it.
    let is_bsd_stamp = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_level = envelope.host.is_some_and(|word| LEVELS.contains(&word));
    if !has_priority && !is_bsd_stamp && (envelope.program.is_none() || is_level) {
        return None;
    }
    envelope.message = scan.rest;
    Some(envelope)
}

/// `45: ` and `000045: ` before the time (Cisco IOS), a lone `:` (Cisco ASA).
fn cisco_sequence(scan: &mut Scan<'_>) {
    let mut ahead = *scan;
    let _number = ahead.take_while(|c| c.is_ascii_digit());
    if ahead.eat(":") {
        ahead.spaces();
        *scan = ahead;
    }
}

/// `router-01: ` before the time (Cisco `logging origin-id hostname`).
fn origin<'a>(scan: &mut Scan<'a>, envelope: &mut Envelope<'a>) {
    let mut ahead = *scan;
    let word = ahead.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if word.is_empty() || !ahead.eat(": ") || stamp(&mut { ahead }).is_none() {
        return;
    }
    envelope.host = Some(word);
    *scan = ahead;
}

fn stamp<'a>(scan: &mut Scan<'a>) -> Option<(StatedTime, &'a str)> {
    let whole = scan.rest;
    let (stated, rest) = time::leading(whole)?;
    if !rest.starts_with([' ', ':']) {
        return None;
    }
    let written = whole.get(..whole.len().checked_sub(rest.len())?)?;
    scan.rest = rest;
    Some((stated, written))
}

/// Takes the host, unless the next word is already the tag or the message.
fn host<'a>(scan: &mut Scan<'a>, envelope: &mut Envelope<'a>) {
    let mut ahead = *scan;
    let word = ahead.word();
    let is_content = ["CEF:", "LEEF:", "{", "<", "%", "\""].iter().any(|s| word.starts_with(s))
        || word.contains(['=', ',']);
    let is_address = attribute::address(word).is_some();
    let is_tag = word.ends_with(':') || word.contains('[');
    if word.is_empty() || is_content || (is_tag && !is_address) {
        return;
    }
    envelope.host = Some(word);
    *scan = ahead;
    // `fw01 : %ASA-6-302013: …`
    if scan.eat(": ") {
        scan.spaces();
    }
}

/// Takes `program[pid]: `, `program: `, `su(pam_unix)[12]: `, `%ASA-6-302013: `.
fn tag<'a>(scan: &mut Scan<'a>, envelope: &mut Envelope<'a>) {
    let mut ahead = *scan;
    let word = ahead.take_while(|c| {
        c.is_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | '(' | ')' | '@' | '%' | '+' | '\\')
    });
    if word.is_empty() || word.len() > TAG_BYTES_MAX {
        return;
    }
    let mut pid = None;
    if ahead.eat("[") {
        let inside = ahead.take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if !ahead.eat("]") {
            return;
        }
        pid = (!inside.is_empty()).then_some(inside);
    }
    let ends = ahead.eat(":");
    let is_tag = (ends || pid.is_some())
        && (ahead.rest.is_empty() || ahead.rest.starts_with([' ', '{', '\t']));
    if !is_tag {
        return;
    }
    envelope.program = Some(word);
    envelope.pid = pid;
    ahead.spaces();
    // What IOS says begins with its mnemonic; people and rules search for it.
    let is_mnemonic =
        word.starts_with('%') && !["%ASA-", "%FTD-"].iter().any(|s| word.starts_with(s));
    if !is_mnemonic {
        *scan = ahead;
    }
}
