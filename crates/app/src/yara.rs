//! Scanning evidence with YARA rules: those that the platform ships, and the operator's own. A file of rules
//! that cannot be used is named with its line; the others are used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use include_dir::{Dir, include_dir};
use respond::evidence::{BadYara, Scan, Scanner, YaraMatch, YaraString};
use yara_x::errors::{CompileError, ScanError};
use yara_x::{Compiler, MetaValue, Rules, SourceCode};

/// The rules that are shipped.
static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content/yara");

/// Largest file of rules that is read.
const RULES_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Files of rules that are read.
const RULE_FILES_MAX: usize = 5_000;
/// Folders in folders.
const DEPTH_MAX: usize = 8;
/// Files of rules that cannot be used and are named.
const BAD_SHOWN: usize = 200;
/// How long one file is scanned: a whole disk image takes longer, and is not what rules are for.
const FILE_TIME: Duration = Duration::from_mins(5);
/// How often one string is found in one file before it is no longer looked for.
const MATCHES_PER_STRING: usize = 1_000;
/// Places of a string that are named, and bytes that are shown.
const OFFSETS_SHOWN: usize = 10;
const SAMPLE_BYTES: usize = 48;
/// Characters of what a rule says of itself.
const ABOUT_CHARS_MAX: usize = 300;

/// The engine.
#[derive(Debug, Clone)]
pub(crate) struct Yara {
    /// The operator's folders and files.
    pub(crate) folders: Vec<PathBuf>,
}

/// Rules as they were read.
pub(crate) struct Loaded {
    rules: Rules,
    count: u64,
    /// Files by the namespace that their rules are in.
    origins: BTreeMap<String, String>,
    pub(crate) bad: Vec<BadYara>,
}

/// What reads rules file by file.
struct Reading {
    compiler: Compiler<'static>,
    origins: BTreeMap<String, String>,
    bad: Vec<BadYara>,
}

fn compiler() -> Compiler<'static> {
    let mut compiler = Compiler::new();
    // What a rule may not do here: read other files, or be slow on purpose.
    compiler.enable_includes(false).relaxed_re_syntax(true);
    compiler
}

impl Reading {
    /// Adds a file; one that is wrong adds nothing.
    fn add(&mut self, path: &str, text: &[u8]) {
        let source = || SourceCode::from(text).with_origin(path);
        let mut alone = compiler();
        if let Err(error) = alone.add_source(source()) {
            return self.refuse(path, &error);
        }
        let namespace = format!("f{}", self.origins.len());
        self.compiler.new_namespace(&namespace);
        match self.compiler.add_source(source()) {
            Ok(_) => {
                self.origins.insert(namespace, path.to_owned());
            }
            Err(error) => self.refuse(path, &error),
        }
    }

    fn refuse(&mut self, path: &str, error: &CompileError) {
        // The place stands in the label alone, and that only as JSON.
        let label = error.labels().next().and_then(|label| serde_json::to_value(&label).ok());
        let line = label.as_ref().and_then(|label| label["line"].as_u64()).unwrap_or(0);
        let detail = label.as_ref().and_then(|label| label["text"].as_str()).unwrap_or_default();
        let title = error.title();
        let message =
            if detail.is_empty() { title.to_owned() } else { format!("{title}: {detail}") };
        self.fault(path, line, message);
    }

    fn fault(&mut self, path: &str, line: u64, message: String) {
        if self.bad.len() < BAD_SHOWN {
            self.bad.push(BadYara { path: path.to_owned(), line, message });
        }
    }

    fn file(&mut self, path: &Path) {
        let shown = path.display().to_string();
        let read = || -> std::io::Result<Vec<u8>> {
            if std::fs::metadata(path)?.len() > RULES_BYTES_MAX {
                return Err(std::io::Error::other("larger than 8 MiB"));
            }
            std::fs::read(path)
        };
        match read() {
            Ok(text) => self.add(&shown, &text),
            Err(error) => self.fault(&shown, 0, error.to_string()),
        }
    }
}

/// Returns the files of rules at a place, in the order of their names.
fn rule_files(place: &Path, depth: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if found.len() >= RULE_FILES_MAX || depth > DEPTH_MAX {
        return Ok(());
    }
    if !std::fs::metadata(place)?.is_dir() {
        found.push(place.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> = std::fs::read_dir(place)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    inside.sort();
    for path in inside {
        let ending = path.extension().and_then(|ending| ending.to_str());
        if path.is_dir() || matches!(ending, Some("yar" | "yara")) {
            rule_files(&path, depth.saturating_add(1), found)?;
        }
    }
    Ok(())
}

impl Yara {
    /// Reads all rules as they are now.
    pub(crate) fn load(&self) -> Loaded {
        let mut reading =
            Reading { compiler: compiler(), origins: BTreeMap::new(), bad: Vec::new() };
        let mut shipped: Vec<_> = SHIPPED.files().collect();
        shipped.sort_by_key(|file| file.path());
        for file in shipped {
            if file.path().extension().is_some_and(|ending| ending == "yar") {
                reading.add(&format!("content/yara/{}", file.path().display()), file.contents());
            }
        }
        for place in &self.folders {
            let mut files = Vec::new();
            if let Err(error) = rule_files(place, 0, &mut files) {
                reading.fault(&place.display().to_string(), 0, error.to_string());
            }
            for path in files {
                reading.file(&path);
            }
        }
        let Reading { compiler, origins, bad } = reading;
        let rules = compiler.build();
        let count = rules.iter().count() as u64;
        Loaded { rules, count, origins, bad }
    }
}

impl Scanner for Yara {
    fn with_rules(
        &self,
        work: &mut dyn FnMut(&mut dyn Scan),
    ) -> Result<(u64, Vec<BadYara>), Box<dyn std::error::Error + Send + Sync>> {
        let loaded = self.load();
        let mut scanner = yara_x::Scanner::new(&loaded.rules);
        scanner.set_timeout(FILE_TIME).max_matches_per_pattern(MATCHES_PER_STRING);
        work(&mut AtWork { scanner, origins: &loaded.origins });
        Ok((loaded.count, loaded.bad))
    }
}

/// The engine with its rules, at work.
struct AtWork<'r> {
    scanner: yara_x::Scanner<'r>,
    origins: &'r BTreeMap<String, String>,
}

fn failed(error: &ScanError) -> String {
    match error {
        ScanError::Timeout => format!("not done in {} s", FILE_TIME.as_secs()),
        other => other.to_string(),
    }
}

impl Scan for AtWork<'_> {
    fn file(&mut self, path: &Path) -> Result<Vec<YaraMatch>, String> {
        let found = self.scanner.scan_file(path).map_err(|error| failed(&error))?;
        Ok(matches(&found, self.origins))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Vec<YaraMatch>, String> {
        let found = self.scanner.scan(bytes).map_err(|error| failed(&error))?;
        Ok(matches(&found, self.origins))
    }
}

fn matches(
    found: &yara_x::ScanResults<'_, '_>,
    origins: &BTreeMap<String, String>,
) -> Vec<YaraMatch> {
    found.matching_rules().map(|rule| matched(&rule, origins)).collect()
}

fn matched(rule: &yara_x::Rule<'_, '_>, origins: &BTreeMap<String, String>) -> YaraMatch {
    let said = |wanted: &str| {
        rule.metadata().find_map(|(key, value)| match value {
            MetaValue::String(text) if key == wanted => {
                Some(text.chars().take(ABOUT_CHARS_MAX).collect::<String>())
            }
            _ => None,
        })
    };
    let mut strings = Vec::new();
    for pattern in rule.patterns() {
        let mut string = YaraString {
            name: pattern.identifier().to_owned(),
            offsets: Vec::new(),
            count: 0,
            sample: String::new(),
        };
        for one in pattern.matches() {
            if string.count == 0 {
                string.sample = sample(one.data());
            }
            string.count = string.count.saturating_add(1);
            if string.offsets.len() < OFFSETS_SHOWN {
                string.offsets.push(one.range().start as u64);
            }
        }
        if string.count > 0 {
            strings.push(string);
        }
    }
    YaraMatch {
        rule: rule.identifier().to_owned(),
        origin: origins.get(rule.namespace()).cloned().unwrap_or_default(),
        about: said("description_vi").or_else(|| said("description")).unwrap_or_default(),
        strings,
    }
}

/// Returns bytes as people read them: what is no letter is escaped.
fn sample(bytes: &[u8]) -> String {
    let some = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    some.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn found(yara: &Yara, bytes: &[u8]) -> BTreeSet<String> {
        let mut rules = BTreeSet::new();
        let read = yara.with_rules(&mut |scan| {
            rules.extend(scan.bytes(bytes).unwrap().into_iter().map(|one| one.rule));
        });
        read.unwrap();
        rules
    }

    /// Each shipped rule has a sample that it finds, under `samples/<rule>.txt`, and finds nothing in the
    /// samples of what is harmless (`samples/harmless-*.txt`). The samples are written for this, reversed so
    /// that no scanner on the developer's machine takes them away.
    #[test]
    fn each_shipped_rule_finds_its_sample_and_no_harmless_one() {
        let yara = Yara { folders: Vec::new() };
        let loaded = yara.load();
        assert_eq!(loaded.bad, []);
        let samples = SHIPPED.get_dir("samples").unwrap();
        let mut tried = BTreeSet::new();
        for file in samples.files() {
            let mut bytes = file.contents().to_vec();
            bytes.reverse();
            let name = file.path().file_stem().unwrap().to_str().unwrap().to_owned();
            let found = found(&yara, &bytes);
            if name.starts_with("harmless") {
                assert_eq!(found, BTreeSet::new(), "{name}");
            } else {
                assert!(found.contains(&name), "{name}: {found:?}");
                tried.insert(name);
            }
        }
        let all: BTreeSet<String> =
            loaded.rules.iter().map(|rule| rule.identifier().to_owned()).collect();
        assert_eq!(tried, all, "a rule without a sample");
    }

    #[test]
    fn a_bad_file_is_named_with_its_line_and_the_others_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("a.yar", b"rule one {\n  strings:\n    $a = \"tre\" nocase\n  condition: $a\n}\n");
        write("b.yar", b"rule two {\n  condition:\n    nothing_known\n}\n");
        write("deep/c.yara", b"rule one {\n strings: $x = { 74 72 65 } condition: #x > 1 }");
        write("d.yar", b"include \"a.yar\"");
        write("e.yar", b"\xff\xfe");
        write("not_a_rule.txt", b"rule");
        let gone = folder.path().join("gone");
        let yara = Yara { folders: vec![folder.path().to_owned(), gone] };
        let loaded = yara.load();
        let bad: Vec<(String, u64)> = loaded
            .bad
            .iter()
            .map(|bad| (bad.path.rsplit('/').next().unwrap().to_owned(), bad.line))
            .collect();
        let expected = [("b.yar", 3), ("d.yar", 1), ("e.yar", 1), ("gone", 0)];
        assert_eq!(bad, expected.map(|(name, line)| (name.to_owned(), line)), "{:?}", loaded.bad);
        let mut hits = Vec::new();
        yara.with_rules(&mut |scan| hits = scan.bytes(b"luy Tre tre tre").unwrap()).unwrap();
        let places: Vec<(&str, &[u64])> = hits
            .iter()
            .map(|hit| (hit.origin.rsplit('/').next().unwrap(), hit.strings[0].offsets.as_slice()))
            .collect();
        assert_eq!(places, [("a.yar", &[4, 8, 12][..]), ("c.yara", &[8, 12][..])]);
        assert_eq!(hits[0].strings[0].sample, "Tre");
    }
}
