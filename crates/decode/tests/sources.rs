//! Decodes every source folder's sample and compares it with what the folder expects.

use decode::{Decoder, Mismatch, check_source, folders};

#[test]
fn every_source_folder_decodes_as_expected() {
    let decoder = Decoder::builtin().unwrap_or_else(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", errors.join("\n"))
    });
    let mut failures = Vec::new();
    let mut folder_count = 0;
    for files in folders() {
        folder_count += 1;
        match check_source(&decoder, &files) {
            Ok(report) => assert!(report.lines >= 3, "{}: the sample is too small", files.folder),
            Err(mismatches) => {
                for Mismatch { line, detail } in mismatches {
                    failures.push(format!("sources/{}/sample.log:{line}: {detail}", files.folder));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(folder_count >= 20, "only {folder_count} folders were found");
}

/// A source that `auto` does not find has to be chosen by hand: these, and why.
const CHOSEN_BY_HAND: [(&str, &str); 3] = [
    ("apache_httpd", "the Combined format does not say which server wrote it"),
    ("nginx_nginx", "the Combined format does not say which server wrote it"),
    ("linux_syslog", "what is left when nothing else fits"),
];

#[test]
fn auto_finds_most_lines_of_every_source() {
    let decoder = Decoder::builtin().unwrap();
    for files in folders() {
        if CHOSEN_BY_HAND.iter().any(|(folder, _)| *folder == files.folder) {
            continue;
        }
        let report = check_source(&decoder, &files).unwrap();
        let recognised = report.recognised + report.dead;
        assert!(
            recognised * 4 >= report.lines * 3,
            "{}: auto recognises {recognised} of {} lines",
            files.folder,
            report.lines
        );
    }
}
