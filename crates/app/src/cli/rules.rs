//! `luytre rules`: check, test and list detection rules before they are trusted.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Outcome, output};
use crate::rules::{self, RuleText};

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read rules and report every error with file, line and a hint
    Check(Mapped),
    /// Play the events beside each rule: those that must fire it and those that must not
    Test(Folders),
    /// Tell why a rule fires on an event, or why it does not
    Explain(super::explain::Arguments),
    /// Tell which rules can fire with the logs that arrive, and what the others lack
    Coverage(super::coverage::Arguments),
    /// List rules with severity, log source and title
    List(Mapped),
}

/// Which rules.
#[derive(Debug, Args)]
pub(crate) struct Folders {
    /// Folders or files of rules; without one, the built-in rules
    folders: Vec<PathBuf>,
}

/// Which rules, and what is made of them.
#[derive(Debug, Args)]
pub(crate) struct Mapped {
    #[command(flatten)]
    which: Folders,
    /// Processing pipeline (pySigma's YAML) that brings rules to your own names; may be given more than
    /// once
    #[arg(long = "pipeline", value_name = "FILE")]
    pipelines: Vec<PathBuf>,
}

pub(crate) fn run(
    command: &Command,
    config: impl Fn() -> Result<crate::config::Config>,
) -> Result<Outcome> {
    match command {
        Command::Explain(arguments) => super::explain::run(&config()?, arguments),
        Command::Coverage(arguments) => super::coverage::run(&config()?, arguments),
        Command::Check(which) => check(which),
        Command::Test(which) => test(&which.folders),
        Command::List(which) => list(which),
    }
}

fn check(Mapped { which, pipelines }: &Mapped) -> Result<Outcome> {
    let loaded = rules::load_with(&which.folders, pipelines)?;
    for bad in &loaded.bad {
        println!("{bad}");
    }
    println!("{} rules in force, {} refused", loaded.set.rules().len(), loaded.bad.len());
    Ok(if loaded.bad.is_empty() { Outcome::Good } else { Outcome::NotInOrder })
}

fn test(folders: &[PathBuf]) -> Result<Outcome> {
    let mut tested = 0_u32;
    let mut failed = 0_u32;
    let mut without = 0_u32;
    for (rule, tests) in with_tests(folders)? {
        let Some(tests) = tests else {
            without += 1;
            println!("{}: no tests beside it", rule.path);
            continue;
        };
        tested += 1;
        let failures = detect::testing::run_test_file(&rule.text, &tests);
        failed += u32::from(!failures.is_empty());
        for failure in failures {
            println!("{}: {failure}", rule.path);
        }
    }
    println!("{} passed, {failed} failed, {without} without tests", tested - failed);
    Ok(if failed == 0 { Outcome::Good } else { Outcome::NotInOrder })
}

fn with_tests(folders: &[PathBuf]) -> Result<Vec<(RuleText, Option<String>)>> {
    if folders.is_empty() {
        return Ok(rules::builtin_with_tests());
    }
    let mut all = Vec::new();
    for folder in folders {
        let (read, bad) = rules::read(folder)?;
        for bad in bad {
            println!("{bad}");
        }
        for rule in read {
            let stem = rule.path.trim_end_matches(".yaml").trim_end_matches(".yml");
            let tests = PathBuf::from(format!("{stem}.test.yml"));
            let tests = if tests.try_exists()? { Some(fs::read_to_string(tests)?) } else { None };
            all.push((rule, tests));
        }
    }
    Ok(all)
}

fn list(Mapped { which, pipelines }: &Mapped) -> Result<Outcome> {
    let loaded = rules::load_with(&which.folders, pipelines)?;
    let mut infos: Vec<_> = loaded.set.rules().iter().filter(|rule| rule.is_audible).collect();
    infos.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.title.cmp(&b.title)));
    let rows: Vec<Vec<String>> = infos
        .iter()
        .map(|rule| {
            let source = &rule.logsource;
            let parts = [&source.product, &source.category, &source.service];
            let source: Vec<&str> = parts.into_iter().flatten().map(AsRef::as_ref).collect();
            let source =
                if rule.is_correlation { "correlation".to_owned() } else { source.join("/") };
            vec![rule.level.word().to_owned(), source, rule.title.clone(), rule.path.clone()]
        })
        .collect();
    output::table(&["severity", "log source", "title", "file"], &rows);
    Ok(Outcome::Good)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Call {
        #[command(subcommand)]
        command: Command,
    }

    #[test]
    fn pipelines_are_taken_where_they_change_something() {
        let call =
            |what: &str| Call::try_parse_from(["rules", what, "--pipeline", "p.yml", "rules"]);
        assert!(matches!(call("check"), Ok(Call { command: Command::Check(_) })));
        assert!(matches!(call("list"), Ok(Call { command: Command::List(_) })));
        // The events beside a rule bear its own names.
        assert!(call("test").is_err());
    }
}
