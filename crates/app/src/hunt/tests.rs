//! Hunts over files made here, and over the recordings of the data folder where it is present.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser as _;

use crate::cli::hunt::{Arguments, hunt};
use crate::config::Config;

#[derive(clap::Parser)]
struct Call {
    #[command(flatten)]
    arguments: Arguments,
}

const RULES: &str = "
title: Guess
name: guess
level: low
tags: [attack.credential-access, attack.t1110]
logsource: { product: windows, service: security }
detection: { s: { outcome: failure }, condition: s }
---
title: Opened
level: high
logsource: { product: windows, service: security }
detection: { keywords: [mimikatz], condition: keywords }
---
title: Many guesses
level: critical
correlation:
  type: event_count
  rules: [guess]
  group-by: [user]
  timespan: 1m
  condition: { gte: 3 }
  generate: true
";

/// Hunts with these words of a command line; returns what was written, and what was searched.
fn answer(folder: &Path, words: &[&str]) -> (String, super::Tally) {
    let output = folder.join("answer.out");
    let evidence = folder.join("evidence");
    let paths = [evidence.display().to_string(), format!("--output={}", output.display())];
    let words =
        ["hunt"].into_iter().chain(paths.iter().map(String::as_str)).chain(words.iter().copied());
    let call = Call::try_parse_from(words).unwrap();
    let hunted = hunt(&Config::default(), &call.arguments).unwrap();
    (fs::read_to_string(output).unwrap(), hunted.tally)
}

/// Returns a failed logon at this second past ten.
fn logon(second: u32, user: &str) -> String {
    format!(
        "{{\"Channel\":\"Security\",\"EventID\":4625,\"EventTime\":\"2026-11-22 10:00:{second:02}\",\
         \"@timestamp\":\"2026-11-22T10:00:{second:02}Z\",\"Hostname\":\"may-{user}\",\
         \"outcome\":\"failure\",\"user\":\"{user}\"}}"
    )
}

/// Returns a folder with rules and evidence in every dress: lines, an array, an object over lines, zip,
/// gzip, damaged EVTX, and what is no log.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    fs::create_dir_all(evidence.join("inside")).unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let lines: Vec<String> = (0..20).map(|second| logon(second, "an")).collect();
    let array = format!("[{},{}]", logon(1, "binh"), logon(3, "binh"));
    let over_lines = logon(2, "binh").replace(',', ",\n  ");
    let mut broken = b"ElfFile\0".to_vec();
    broken.resize(4096, 0xaa);
    broken.extend(b"ElfChnk\0");
    broken.resize(100_000, 0x55);
    for (name, bytes) in [
        ("lines.json", lines.join("\n").into_bytes()),
        ("array.json", array.into_bytes()),
        ("inside/pretty.json", over_lines.into_bytes()),
        ("one.log.gz", gzipped(logon(40, "dung").as_bytes())),
        ("garbage.evtx", b"no evtx".repeat(100)),
        ("broken.evtx", broken),
        ("picture.png", vec![0x89, b'P', b'N', b'G', 0, 0, 0, 1]),
    ] {
        fs::write(evidence.join(name), bytes).unwrap();
    }
    let mut zip = zip::ZipWriter::new(fs::File::create(evidence.join("more.zip")).unwrap());
    zip.start_file("a/b.json", zip::write::SimpleFileOptions::default()).unwrap();
    writeln!(zip, "{}", logon(30, "chi")).unwrap();
    zip.finish().unwrap();
    folder
}

fn rules(folder: &Path) -> String {
    format!("--rules={}", folder.join("rules.yml").display())
}

fn count(answer: &str, words: &str) -> usize {
    answer.lines().filter(|line| line.contains(words)).count()
}

#[test]
fn sources_of_the_operators_folders_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let (own, evidence) = (folder.path().join("sources/acme_gate"), folder.path().join("evidence"));
    for path in [&own, &evidence] {
        fs::create_dir_all(path).unwrap();
    }
    let source = "id = \"acme_gate\"\ntitle_vi = \"Acme\"\ntitle_en = \"Acme\"\nconnect_vi = \"x\"\nconnect_en = \"x\"\n\
                  format = \"key_value\"\nclass = \"network_activity\"\nlogsource = { product = \"acme\" }\n\
                  time = [\"at\"]\n[match]\nstarts_with = [\"acme:\"]\n[map]\nsrcip = \"src_ip\"\n";
    fs::write(own.join("source.toml"), source).unwrap();
    fs::write(evidence.join("gate.log"), "acme: at=2026-11-23T10:00:00Z srcip=203.0.113.7\n")
        .unwrap();
    let rule = "title: Gate\nlevel: low\nlogsource: { product: acme }\ndetection: { s: { src_ip: 203.0.113.7 }, condition: s }\n";
    fs::write(folder.path().join("rules.yml"), rule).unwrap();
    let output = folder.path().join("answer.out");
    let words =
        ["hunt", "--format=jsonl", &rules(folder.path()), evidence.to_str().unwrap(), "--output"];
    let call = Call::try_parse_from(words.into_iter().chain([output.to_str().unwrap()])).unwrap();
    let mut config = Config::default();
    for (folders, found) in [(Vec::new(), 0), (vec![folder.path().join("sources")], 1)] {
        config.sources.folders = folders;
        hunt(&config, &call.arguments).unwrap();
        assert_eq!(count(&fs::read_to_string(&output).unwrap(), "Gate"), found);
    }
}

#[test]
fn evidence_in_every_dress_is_read_and_what_is_none_is_named() {
    let folder = folder();
    let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
    assert_eq!(count(&found, "\"rule_title\":\"Guess\""), 25, "{found}");
    // Over three files, in the order of time: the third of each account.
    assert_eq!(count(&found, "\"rule_title\":\"Many guesses\""), 2, "{found}");
    assert_eq!(count(&found, "more.zip!a/b.json\",\"record\":1"), 1);
    assert_eq!(count(&found, "lines.json\",\"record\":20"), 1);
    assert_eq!(count(&found, "array.json\",\"record\":2"), 2, "it completes the correlation");
    assert_eq!(tally.events, 25);
    let refused: Vec<&str> =
        tally.refused.iter().map(|(file, _)| file.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(refused, ["garbage.evtx", "picture.png"]);
}

/// Returns a tar archive.
fn tarred(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        let mut block = [0_u8; 512];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[136..147].copy_from_slice(format!("{:011o}", 1_700_000_000).as_bytes());
        block[156] = b'0';
        block[257..263].copy_from_slice(b"ustar\0");
        archive.extend(block);
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len() + 1024, 0);
    archive
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn files_in_a_tar_are_read_as_of_their_own_day() {
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    fs::create_dir(&evidence).unwrap();
    // A log without a year, packed years after it was written.
    let line =
        b"Nov 14 22:13:19 may sshd[1]: Failed password for an from 203.0.113.7 port 1 ssh2\n";
    let inner = tarred(&[("deep.log", line)]);
    let packed = tarred(&[("var/log/auth.log", line), ("inner.tar", &inner)]);
    let twice = tarred(&[("twice.tar", &packed)]);
    fs::write(evidence.join("collected.tar.gz"), gzipped(&twice)).unwrap();
    let rule = "title: Guess\nlevel: low\nlogsource: { product: linux, service: sshd }\n\
                detection: { s: [Failed password], condition: s }\n";
    fs::write(folder.path().join("rules.yml"), rule).unwrap();
    let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
    assert_eq!(count(&found, "\"time\":\"2023-11-14T22:13:19"), 1, "{found}");
    assert_eq!(count(&found, "collected.tar.gz!twice.tar!var/log/auth.log\""), 1, "{found}");
    let [(file, why)] = tally.refused.as_slice() else { panic!("{tally:?}") };
    assert!(file.ends_with("!inner.tar") && why.contains("inside of more than 2"), "{file}: {why}");
}

#[test]
fn a_named_pipe_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("evidence");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    let writer = std::thread::spawn({
        let text = format!("{}\n{}\n", logon(1, "an"), logon(2, "an"));
        move || fs::write(pipe, text).unwrap()
    });
    let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
    writer.join().unwrap();
    assert_eq!(count(&found, "\"Guess\""), 2, "{found}");
    assert!(tally.refused.is_empty(), "{tally:?}");
}

#[test]
fn records_are_found_in_every_container() {
    let (one, two) = (logon(1, "a"), logon(2, "b"));
    let wide = |text: String| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16()).collect::<Vec<_>>();
        units.into_iter().flat_map(u16::to_le_bytes).collect()
    };
    let quoted = |line: &str| serde_json::to_string(line).unwrap();
    for (container, bytes) in [
        ("two on a line", format!("{one}{two}\n").into_bytes()),
        ("two on a later line", format!("{one}\n{{\"a\":1}}{two}\n").into_bytes()),
        ("commas at the ends", format!("{one},\n{two},\n").into_bytes()),
        ("a sequence", format!("\u{1e}{one}\n\u{1e}{two}\n").into_bytes()),
        (
            "a list on each line",
            format!("{{\"Records\":[{one}]}}\n{{\"Records\":[{two}]}}\n").into_bytes(),
        ),
        (
            "an answer of Graph",
            format!("{{\"@odata.context\":\"x\",\"value\":[{one},{two}]}}").into_bytes(),
        ),
        (
            "an answer of Elasticsearch",
            format!(
                "{{\"took\":3,\"hits\":{{\"total\":{{\"value\":2}},\"hits\":[\
                 {{\"_id\":\"1\",\"_source\":{one}}},{{\"_id\":\"2\",\"_source\":{two}}}]}}}}"
            )
            .into_bytes(),
        ),
        ("a tar", tarred(&[("x/a.json", one.as_bytes()), ("x/b.json", two.as_bytes())])),
        (
            "a tar.gz with a .gz in it",
            gzipped(&tarred(&[
                ("a.json", one.as_bytes()),
                ("b.json.gz", &gzipped(two.as_bytes())),
            ])),
        ),
        ("zeros in front", [vec![0; 200_000], format!("{one}\n{two}\n").into_bytes()].concat()),
        ("zeros between", format!("{one}\n{}{two}\n{}", "\0".repeat(600), "\0".repeat(99)).into()),
        ("UTF-16", wide(format!("{one}\r\n{two}\r\n"))),
        ("an array in UTF-16", wide(format!("[\r\n{one},\r\n{two}\r\n]"))),
        (
            "lines in JSON",
            format!(
                "{{\"log\":{{\"offset\":1}},\"message\":{}}}\n{{\"_raw\":{}}}\n",
                quoted(&one),
                quoted(&two)
            )
            .into_bytes(),
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(folder.path().join("evidence/log"), bytes).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
        assert_eq!(count(&found, "\"Guess\""), 2, "{container}: {found}");
        assert_eq!(tally.unreadable, 0, "{container}");
    }
}

#[test]
fn windows_events_exported_as_xml_are_read() {
    let event = |second: u32| {
        format!(
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\r\n  <System>\r\n    \
             <Provider Name='Microsoft-Windows-Security-Auditing'/>\r\n    <EventID>4688</EventID>\r\n    \
             <TimeCreated SystemTime='2026-11-22T10:00:0{second}.000Z'/>\r\n    <Channel>Security</Channel>\r\n    \
             <Computer>may</Computer>\r\n  </System>\r\n  <EventData>\r\n    \
             <Data Name='CommandLine'>mimikatz\r\n&lt;/Event&gt;</Data>\r\n  </EventData>\r\n</Event>"
        )
    };
    let (one, two) = (event(1), event(2));
    let flat = |text: &str| text.replace("\r\n", "");
    let declared = "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>";
    for text in [
        format!("{declared}\r\n<Events>{}{}</Events>", flat(&one), flat(&two)),
        format!("{declared}\r\n<Events>\r\n{one}\r\n{two}\r\n</Events>\r\n"),
        format!("{}{}", flat(&one), flat(&two)),
        format!("{}\n{}\n", flat(&one), flat(&two)),
        format!("{one}\r\n{two}\r\n"),
        format!("Record 1\n{declared}\n{one}\nRecord 2\n{declared}\n{two}\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(folder.path().join("evidence/log.xml"), &text).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
        assert_eq!(count(&found, "\"Opened\""), 2, "{text}: {found}");
        assert_eq!((tally.events, tally.unreadable), (2, 0), "{text}");
    }
}

#[test]
fn rows_of_a_table_are_events_on_the_line_where_they_begin() {
    let text = "\u{feff}TimeCreated;EventID;Channel;Hostname;outcome;user;Note\r\n\
        2026-11-22 10:00:01;4625;Security;may-a;failure;a;\"one\r\ntwo\"\r\n\
        2026-11-22 10:00:02;4625;Security;may-a;failure;b;\"mimi;katz\"\r\n\
        2026-11-22 10:00:03;4624;Security;may-a;success;c;mimikatz\r\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), &wide] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(folder.path().join("evidence/export.csv"), bytes).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        let (found, tally) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
        assert_eq!((tally.events, tally.unreadable), (3, 0), "{found}");
        for (rule, line, second) in [("Guess", 2, 1), ("Guess", 4, 2), ("Opened", 5, 3)] {
            let here = |found: &&str| {
                found.contains(&format!("\"{rule}\""))
                    && found.contains(&format!("\"record\":{line},"))
                    && found.contains(&format!("10:00:0{second}"))
            };
            assert_eq!(found.lines().filter(here).count(), 1, "{rule} on line {line}: {found}");
        }
        assert_eq!(found.lines().count(), 3, "{found}");
    }
}

/// A header names the columns: a chosen source that knows them by their places takes the names instead.
#[test]
fn tables_are_read_by_a_source_of_columns_too() {
    let rule = "title: Fetched\nlevel: high\nlogsource: { category: CATEGORY }\ndetection: { s: { \
        cs-method: GET, c-ip: 10.20.0.7 }, condition: s }\n";
    let squid = "1795425601.123 412 10.20.0.7 TCP_MISS/200 5120 GET http://x.example/a - HIER_DIRECT/203.0.113.80 -\n";
    let csv = "time,c-ip,cs-method,c-uri,Note\n\
        1795425601.123,10.20.0.7,GET,\"http://x.example/a,b\",x\n1795425602.5,10.20.0.8,GET,http://x.example/c,x\n";
    let tsv = csv.replace(',', "\t");
    let w3c = "#Software: Microsoft Internet Information Services 10.0\n\
        #Fields: date time cs-method cs-uri-stem c-ip sc-status\n2026-11-20 03:04:05 GET /a 10.20.0.7 200\n";
    let iis = "2026-11-23 09:20:01 10.20.0.5 GET /tin - 443 - 10.20.0.7 curl/8 - 200 0 0 15\n";
    for (name, text, source, category, record) in [
        ("squid.log", squid, "squid_squid", "proxy", 1),
        ("export.csv", csv, "squid_squid", "proxy", 2),
        ("export.tsv", tsv.as_str(), "squid_squid", "proxy", 2),
        ("u_ex.log", w3c, "microsoft_iis", "webserver", 3),
        ("plain.log", iis, "microsoft_iis", "webserver", 1),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("evidence")).unwrap();
        fs::write(folder.path().join("evidence").join(name), text).unwrap();
        fs::write(folder.path().join("rules.yml"), rule.replace("CATEGORY", category)).unwrap();
        let source = format!("--source={source}");
        let (found, _) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl", &source]);
        assert_eq!(found.lines().count(), 1, "{name}: {found}");
        assert!(found.contains(&format!("\"record\":{record},")), "{name}: {found}");
    }
}

#[test]
fn times_without_a_zone_are_of_the_one_that_is_given() {
    let export = "Level,Date and Time,Source,Event ID,Task Category\n\
        Information,22/11/2026 10:00:01,Microsoft-Windows-Security-Auditing,4625,Logon,\"mimikatz\"\n";
    let utc = logon(1, "an").replace("\"user\"", "\"keyword\":\"mimikatz\",\"user\"");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("evidence")).unwrap();
    fs::write(folder.path().join("evidence/export.csv"), export).unwrap();
    fs::write(folder.path().join("evidence/log.json"), utc).unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    for (zone, hour) in [("+00:00", "10"), ("+07:00", "03"), ("-02:30", "12")] {
        let zone = format!("--zone={zone}");
        let (found, _) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl", &zone]);
        let opened: Vec<&str> = found.lines().filter(|line| line.contains("Opened")).collect();
        assert_eq!(opened.len(), 2, "{found}");
        assert!(opened[0].contains(&format!("2026-11-22T{hour}:")), "{zone}: {found}");
        assert!(opened[1].contains("2026-11-22T10:00:01"), "it states its zone: {found}");
    }
}

#[test]
fn records_may_be_newer_than_their_file() {
    let folder = folder();
    let evidence = folder.path().join("evidence");
    fs::remove_dir_all(&evidence).unwrap();
    fs::create_dir(&evidence).unwrap();
    let lines: Vec<String> =
        (0..3).map(|year| logon(year, "an").replace("2026", &format!("203{year}"))).collect();
    fs::write(evidence.join("lines.json"), lines.join("\n")).unwrap();
    let (found, _) = answer(folder.path(), &[&rules(folder.path()), "--format=jsonl"]);
    assert_eq!(count(&found, "\"rule_title\":\"Guess\""), 3, "{found}");
    assert_eq!(count(&found, "Many guesses"), 0, "a year lies between them: {found}");
    assert_eq!(count(&found, "2032-11-22T10:00:02"), 1, "{found}");
}

#[test]
fn a_rule_may_judge_records_of_any_source() {
    let folder = folder();
    let text = "title: Elsewhere\nlogsource: { product: nowhere }\ndetection: { s: { user: dung }, condition: s }\n";
    fs::write(folder.path().join("rules.yml"), text).unwrap();
    let format = "--format=jsonl";
    let (found, _) = answer(folder.path(), &[&rules(folder.path()), format]);
    assert_eq!(count(&found, "Elsewhere"), 0, "{found}");
    let (found, _) = answer(folder.path(), &[&rules(folder.path()), format, "--any-source"]);
    assert_eq!(count(&found, "Elsewhere"), 1, "{found}");
}

#[test]
fn the_answer_is_the_same_whatever_the_number_of_threads() {
    let folder = folder();
    for format in ["table", "timeline", "csv", "jsonl", "html"] {
        let format = format!("--format={format}");
        let answers = ["--jobs=1", "--jobs=2", "--jobs=7"]
            .map(|jobs| answer(folder.path(), &[&rules(folder.path()), &format, jobs]).0);
        assert!(answers[0].contains("may-an"), "{format}: {}", answers[0]);
        assert_eq!(answers[0], answers[1], "{format}");
        assert_eq!(answers[0], answers[2], "{format}");
    }
}

#[test]
fn findings_are_chosen_by_time_severity_rule_and_tag() {
    let folder = folder();
    for (words, guesses, many) in [
        (vec!["--from=2026-11-22T10:00:10Z", "--to=2026-11-22T10:00:12Z"], 2, 0),
        (vec!["--min-level=critical"], 0, 2),
        (vec!["--include=tag:attack.t1110"], 25, 0),
        (vec!["--exclude=Guess"], 0, 2),
    ] {
        let rules = rules(folder.path());
        let call: Vec<&str> = [rules.as_str(), "--format=jsonl"].into_iter().chain(words).collect();
        let (found, _) = answer(folder.path(), &call);
        assert_eq!(count(&found, "\"rule_title\":\"Guess\""), guesses, "{call:?}");
        assert_eq!(count(&found, "\"rule_title\":\"Many guesses\""), many, "{call:?}");
    }
}

/// Returns a folder of the shared data, or says that the test was skipped.
fn data(below: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(below);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is absent", path.display());
    None
}

#[test]
fn damaged_recordings_are_read_as_far_as_they_go() {
    let Some(recordings) = data("sigma/regression_data") else { return };
    let (files, _) = super::files(&[recordings]).unwrap();
    let whole = files.iter().find(|path| path.extension().is_some_and(|e| e == "evtx")).unwrap();
    let whole = fs::read(whole).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let evidence = folder.path().join("evidence");
    fs::create_dir_all(&evidence).unwrap();
    let mut events = Vec::new();
    for (name, damage) in [
        ("whole", (|bytes: Vec<u8>| bytes) as fn(Vec<u8>) -> Vec<u8>),
        ("no header", |mut bytes| {
            bytes[..4096].fill(0xff);
            bytes
        }),
        ("much in front of it", |bytes| [vec![7; 12_345], bytes].concat()),
        ("no end", |mut bytes| {
            bytes.truncate(4096 + 40_000);
            bytes
        }),
        ("bits turned", |mut bytes| {
            for at in (4096 + 1000..bytes.len()).step_by(997) {
                bytes[at] ^= 0xff;
            }
            bytes
        }),
    ] {
        fs::write(evidence.join("a.evtx"), damage(whole.clone())).unwrap();
        let (_, tally) = answer(folder.path(), &["--format=jsonl"]);
        println!("{name}: {tally:?}");
        events.push(tally.events);
    }
    assert!(events[0] > 0);
    assert_eq!(events[1], events[0], "the header is not needed");
    assert_eq!(events[2], events[0], "chunks are found behind what is none");
    assert_eq!(events[3], events[0], "the records stand at the beginning of the chunk");
}
