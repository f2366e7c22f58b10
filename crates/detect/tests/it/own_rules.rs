//! The project's own rules and baselines: each has a test file, and every case goes as it says.

use std::fs;
use std::path::Path;

use crate::data;

#[test]
fn every_rule_of_ours_passes_its_tests() {
    passes("rules");
}

#[test]
fn every_baseline_of_ours_passes_its_tests() {
    passes("baselines");
}

fn passes(folder: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    if !folder.is_dir() {
        println!("skipped: {} is absent", folder.display());
        return;
    }
    let mut wrong = Vec::new();
    let all = data::files(&folder, ".yml");
    for path in all.iter().filter(|path| !path.to_string_lossy().ends_with(".test.yml")) {
        let rule = fs::read_to_string(path).unwrap();
        match fs::read_to_string(path.with_extension("test.yml")) {
            Err(_) => wrong.push(format!("{} has no test file", path.display())),
            Ok(test) => wrong.extend(
                detect::testing::run_test_file(&rule, &test)
                    .iter()
                    .map(|failure| format!("{}: {failure}", path.display())),
            ),
        }
    }
    let (_, errors, files) = {
        let rules: Vec<_> =
            all.iter().filter(|path| !path.to_string_lossy().ends_with(".test.yml")).collect();
        let texts: Vec<(String, String)> = rules
            .iter()
            .map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap()))
            .collect();
        let files: Vec<_> =
            texts.iter().map(|(path, text)| detect::RuleFile { path, text }).collect();
        let (rules, errors) = detect::RuleSet::compile(&files);
        (rules, errors, files.len())
    };
    wrong.extend(errors.iter().map(ToString::to_string));
    println!("{files} rule files");
    assert_eq!(wrong, Vec::<String>::new());
}
