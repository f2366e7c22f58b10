//! A pipeline's YAML → [`Pipeline`]. Every fault is reported, not only the first.

use event::LogSource;
use regex::Regex;

use super::change::{Change, Chosen, FieldChange, HashFields};
use super::gate::{Gate, Joined};
use super::value::{LetterCase, Replacement, ValueChange};
use super::{Pipeline, Step, test};
use crate::ast::Placeholders;
use crate::error::{Fault, Place, did_you_mean};
use crate::limits::{PIPELINE_DEPTH_MAX, REGEX_BYTES_MAX};
use crate::parser::condition::{self, Names};
use crate::yaml::{self, Node, Scalar};

/// Reads the one document of a pipeline file.
pub(super) fn pipeline(text: &str) -> Result<Pipeline, Vec<Fault>> {
    let documents = yaml::documents(text).map_err(|fault| vec![fault])?;
    let [root] = documents.as_slice() else {
        let at = Place { line: 1, column: 1 };
        return Err(vec![Fault::rule(at, "a pipeline file holds one document")]);
    };
    let mut faults = Vec::new();
    let known = [
        "name",
        "priority",
        "vars",
        "allowed_backends",
        "transformations",
        "postprocessing",
        "finalizers",
    ];
    faults.extend(only(root, &known).err());
    for name in ["postprocessing", "finalizers"] {
        let used = root.entry(name).filter(|(_, node)| !node.members().is_empty());
        faults.extend(used.map(|(key, _)| {
            Fault::unsupported(key.at, format!("`{name}` changes query texts, and here are none"))
                .hint("take it out: rules are matched directly")
        }));
    }
    let priority = root.get("priority").map_or(Ok(0), |node| match node.scalar() {
        Some(Scalar::Int(priority)) => Ok(priority),
        _ => Err(Fault::rule(node.at, "`priority` is a whole number")),
    });
    let priority = priority.map_err(|fault| faults.push(fault)).unwrap_or_default();
    let vars = vars(root).map_err(|fault| faults.push(fault)).unwrap_or_default();
    let name = root.get("name").and_then(Node::as_text).unwrap_or_default().to_owned();
    let mut steps = Vec::new();
    for node in root.get("transformations").map(Node::members).unwrap_or_default() {
        match step(node, 0) {
            Ok(step) => steps.push(step),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(Pipeline { name, priority, vars, steps }) } else { Err(faults) }
}

fn vars(root: &Node) -> Result<Placeholders, Fault> {
    let mut vars = Placeholders::new();
    let Some(node) = root.get("vars") else { return Ok(vars) };
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, "`vars` is a map of names and their values"));
    };
    for (key, node) in entries {
        vars.insert(key.name.clone(), texts(node)?);
    }
    Ok(vars)
}

/// The attributes of a step that say what it is for.
const STEP: [&str; 14] = [
    "id",
    "type",
    "rule_conditions",
    "rule_cond_op",
    "rule_cond_not",
    "rule_cond_expr",
    "detection_item_conditions",
    "detection_item_cond_op",
    "detection_item_cond_not",
    "detection_item_cond_expr",
    "field_name_conditions",
    "field_name_cond_op",
    "field_name_cond_not",
    "field_name_cond_expr",
];

fn step(node: &Node, depth: usize) -> Result<Step, Fault> {
    Ok(Step {
        id: node.get("id").and_then(Node::as_text).unwrap_or_default().to_owned(),
        rules: gate(node, "rule", test::rule)?,
        items: gate(node, "detection_item", test::item)?,
        fields: gate(node, "field_name", test::field)?,
        change: change(node, depth)?,
    })
}

fn gate<T>(node: &Node, what: &str, read: fn(&Node) -> Result<T, Fault>) -> Result<Gate<T>, Fault> {
    let mut names = Vec::new();
    let mut tests = Vec::new();
    match node.get(&format!("{what}_conditions")) {
        Some(list) if list.as_map().is_some() => {
            for (key, node) in list.as_map().unwrap_or_default() {
                names.push(key.name.as_str());
                tests.push(read(node)?);
            }
        }
        Some(list) => tests = list.members().iter().map(read).collect::<Result<_, _>>()?,
        None => {}
    }
    let operator = node.get(&format!("{what}_cond_op"));
    let expression = node.get(&format!("{what}_cond_expr"));
    let joined = match (operator, expression) {
        (Some(node), Some(_)) => {
            return Err(Fault::rule(node.at, "an operator and an expression exclude each other"));
        }
        (None, None) => Joined::All,
        (Some(node), None) => match node.as_text() {
            Some("and") => Joined::All,
            Some("or") => Joined::Any,
            _ => return Err(Fault::rule(node.at, "the operator is `and` or `or`")),
        },
        (None, Some(node)) => {
            let text = node.as_text().unwrap_or_default();
            let known = Names { names: &names, of: "condition" };
            Joined::By(condition::parse(text, node.at, known)?)
        }
    };
    Ok(Gate { tests, joined, negated: flag(node, &format!("{what}_cond_not"))? })
}

/// The changes known, with the attributes of each.
const CHANGES: [(&str, &[&str]); 25] = [
    ("field_name_mapping", &["mapping"]),
    ("field_name_prefix_mapping", &["mapping"]),
    ("field_name_prefix", &["prefix"]),
    ("field_name_suffix", &["suffix"]),
    ("drop_detection_item", &[]),
    ("hashes_fields", &["valid_hash_algos", "field_prefix", "drop_algo_prefix", "field_to_parse"]),
    ("wildcard_placeholders", &["include", "exclude"]),
    ("value_placeholders", &["include", "exclude"]),
    ("add_condition", &["conditions", "name", "template", "negated"]),
    ("change_logsource", &["category", "product", "service"]),
    ("add_field", &["field"]),
    ("remove_field", &["field"]),
    ("set_field", &["fields"]),
    ("replace_string", &["regex", "replacement", "skip_special", "interpret_special"]),
    ("map_string", &["mapping"]),
    ("set_state", &["key", "val"]),
    ("regex", &["method"]),
    ("set_value", &["value", "force_type"]),
    ("convert_type", &["target_type"]),
    ("case", &["method"]),
    ("set_custom_attribute", &["attribute", "value"]),
    ("rule_failure", &["message"]),
    ("detection_item_failure", &["message"]),
    ("strict_field_mapping_failure", &[]),
    ("nest", &["items"]),
];

/// What the reference converter knows and this engine does not do, with what to do instead.
const REFUSED: [(&str, &str); 6] = [
    ("query_expression_placeholders", "give the placeholder its values by `value_placeholders`"),
    ("file_placeholders", "write the values into `vars`"),
    ("http_placeholders", "write the values into `vars`"),
    ("command_placeholders", "write the values into `vars`"),
    ("extract_fields", "write the fields into the rule"),
    ("field_name_transform", "it needs a function: use `field_name_mapping`"),
];

fn change(node: &Node, depth: usize) -> Result<Change, Fault> {
    let kind = wanted(node, "type")?;
    let word = kind.as_text().unwrap_or_default();
    let Some((_, own)) = CHANGES.iter().find(|(name, _)| *name == word) else {
        if let Some((_, instead)) = REFUSED.iter().find(|(name, _)| *name == word) {
            let message = format!("the transformation `{word}` is not supported");
            return Err(Fault::unsupported(kind.at, message).hint(*instead));
        }
        let names = CHANGES.iter().map(|(name, _)| *name);
        return Err(Fault::rule(kind.at, format!("unknown transformation `{word}`"))
            .maybe_hint(did_you_mean(word, names)));
    };
    only(node, &[&STEP[..], own].concat())?;
    Ok(match word {
        "field_name_mapping" => Change::Fields(FieldChange::Names(
            mapping(node)?.into_iter().map(|(from, to)| (keyword(from), to)).collect(),
        )),
        "field_name_prefix_mapping" => Change::Fields(FieldChange::Prefixes(mapping(node)?)),
        "field_name_prefix" => Change::Fields(FieldChange::AddPrefix(text(node, "prefix")?)),
        "field_name_suffix" => Change::Fields(FieldChange::AddSuffix(text(node, "suffix")?)),
        "drop_detection_item" => Change::Drop,
        "hashes_fields" => Change::Hashes(hashes(node)?),
        "wildcard_placeholders" => Change::Placeholders { anything: true, names: chosen(node)? },
        "value_placeholders" => Change::Placeholders { anything: false, names: chosen(node)? },
        "add_condition" => added(node)?,
        "change_logsource" => Change::Logsource(logsource(node)?),
        "set_state" => Change::State { key: text(node, "key")?, value: text(node, "val")? },
        "set_custom_attribute" => {
            Change::Attribute { name: text(node, "attribute")?, value: text(node, "value")? }
        }
        "rule_failure" => Change::Fail(text(node, "message")?),
        "detection_item_failure" => Change::FailItem(text(node, "message")?),
        "strict_field_mapping_failure" => Change::FailUnmapped,
        "nest" => Change::Nest(nested(node, depth)?),
        "add_field" | "remove_field" | "set_field" => Change::None,
        _ => Change::Values(value_change(word, node)?),
    })
}

fn nested(node: &Node, depth: usize) -> Result<Vec<Step>, Fault> {
    let items = wanted(node, "items")?;
    if depth >= PIPELINE_DEPTH_MAX {
        return Err(Fault::rule(items.at, format!("nested over {PIPELINE_DEPTH_MAX} deep")));
    }
    items.members().iter().map(|node| step(node, depth.saturating_add(1))).collect()
}

fn added(node: &Node) -> Result<Change, Fault> {
    let selection = wanted(node, "conditions")?;
    if selection.as_map().is_none_or(<[_]>::is_empty) {
        return Err(Fault::rule(selection.at, "`conditions` is a map of fields and values"));
    }
    Ok(Change::AddCondition {
        selection: selection.clone(),
        name: node.get("name").and_then(Node::as_text).unwrap_or("_pipeline").to_owned(),
        template: flag(node, "template")?,
        negated: flag(node, "negated")?,
    })
}

fn value_change(word: &str, node: &Node) -> Result<ValueChange, Fault> {
    let one_of = |name: &str, known: &[&str], default: &str| {
        let own = node.get(name);
        let word = own.and_then(Node::as_text).unwrap_or(default);
        if known.contains(&word) {
            return Ok(word.to_owned());
        }
        let at = own.map_or(node.at, |own| own.at);
        Err(Fault::rule(at, format!("`{name}` is one of {}", known.join(", "))))
    };
    Ok(match word {
        "replace_string" => ValueChange::Replace(Replacement {
            regex: regex(wanted(node, "regex")?, false)?,
            with: replacement(&text(node, "replacement")?),
            skip_special: flag(node, "skip_special")?,
            interpret_special: flag(node, "interpret_special")?,
        }),
        "map_string" => ValueChange::Map(mapping(node)?),
        "set_value" => {
            let mut value = wanted(node, "value")?.clone();
            let forced = one_of("force_type", &["", "str", "num"], "")?;
            if value.scalar().is_none() {
                return Err(Fault::rule(value.at, "expected a single value"));
            }
            if let (false, yaml::NodeKind::Scalar { plain, .. }) =
                (forced.is_empty(), &mut value.kind)
            {
                *plain = forced == "num";
            }
            ValueChange::Set(value)
        }
        "convert_type" => match one_of("target_type", &["str", "num"], "")?.as_str() {
            "num" => ValueChange::ToNumber,
            _ => ValueChange::ToText,
        },
        "case" => ValueChange::Case(
            match one_of("method", &["lower", "upper", "snake_case"], "lower")?.as_str() {
                "upper" => LetterCase::Upper,
                "snake_case" => LetterCase::Snake,
                _ => LetterCase::Lower,
            },
        ),
        // Values compare without regard to case anyway, which is what the other methods are for.
        _ => {
            let methods = ["plain", "ignore_case_flag", "ignore_case_brackets"];
            let method = one_of("method", &methods, "ignore_case_brackets")?;
            if method == "plain" { ValueChange::Cased } else { ValueChange::None }
        }
    })
}

fn hashes(node: &Node) -> Result<HashFields, Fault> {
    let list = |name: &str| node.get(name).map(texts).transpose();
    let algorithms = texts(wanted(node, "valid_hash_algos")?)?;
    let fields = list("field_to_parse")?;
    Ok(HashFields {
        algorithms: algorithms.iter().map(|name| name.to_uppercase()).collect(),
        prefix: node.get("field_prefix").and_then(Node::as_text).unwrap_or_default().to_owned(),
        drop_algorithm: flag(node, "drop_algo_prefix")?,
        fields: fields.unwrap_or_else(|| vec!["Hashes".to_owned(), "Hash".to_owned()]),
    })
}

fn chosen(node: &Node) -> Result<Chosen, Fault> {
    match (node.get("include"), node.get("exclude")) {
        (None, None) => Ok(Chosen::All),
        (Some(names), None) => texts(names).map(Chosen::Only),
        (None, Some(names)) => texts(names).map(Chosen::AllBut),
        (Some(_), Some(names)) => {
            Err(Fault::rule(names.at, "`include` and `exclude` exclude each other"))
        }
    }
}

/// The name that stands for keywords in a mapping of fields.
fn keyword(name: String) -> Option<String> {
    (!matches!(name.as_str(), "" | "~" | "null")).then_some(name)
}

fn mapping(node: &Node) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let node = wanted(node, "mapping")?;
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, "`mapping` is a map"));
    };
    entries.iter().map(|(key, node)| Ok((key.name.clone(), texts(node)?))).collect()
}

/// Reads a log source of which any part may be left out, but not all.
pub(super) fn logsource(node: &Node) -> Result<LogSource, Fault> {
    let part = |name: &str| {
        let text = node.get(name).and_then(Node::as_text);
        text.map(|text| text.to_ascii_lowercase().into())
    };
    let own = LogSource {
        product: part("product"),
        category: part("category"),
        service: part("service"),
    };
    if own == LogSource::default() {
        return Err(Fault::rule(node.at, "names no product, category or service"));
    }
    Ok(own)
}

/// Returns the value of an attribute that must be there.
pub(super) fn wanted<'n>(node: &'n Node, name: &str) -> Result<&'n Node, Fault> {
    node.get(name).ok_or_else(|| Fault::rule(node.at, format!("no `{name}`")))
}

/// Returns the text of an attribute that must be there.
pub(super) fn text(node: &Node, name: &str) -> Result<String, Fault> {
    let node = wanted(node, name)?;
    let text = node.as_text().ok_or_else(|| Fault::rule(node.at, format!("`{name}` is a text")))?;
    Ok(text.to_owned())
}

/// Returns the texts of a list, or of the one value that stands for it.
pub(super) fn texts(node: &Node) -> Result<Vec<String>, Fault> {
    let text = |node: &Node| match node.as_text() {
        Some(text) => Ok(text.to_owned()),
        None => Err(Fault::rule(node.at, format!("expected a text, found {}", node.describe()))),
    };
    node.members().iter().map(text).collect()
}

/// Returns an attribute that is true or false; false if it is not there.
pub(super) fn flag(node: &Node, name: &str) -> Result<bool, Fault> {
    match node.get(name).map(|node| (node.at, node.scalar())) {
        None => Ok(false),
        Some((_, Some(Scalar::Bool(flag)))) => Ok(flag),
        Some((at, _)) => Err(Fault::rule(at, format!("`{name}` takes true or false"))),
    }
}

/// Refuses attributes that nothing knows.
pub(super) fn only(node: &Node, known: &[&str]) -> Result<(), Fault> {
    let Some(entries) = node.as_map() else {
        return Err(Fault::rule(node.at, format!("expected a map, found {}", node.describe())));
    };
    match entries.iter().find(|(key, _)| !known.contains(&key.name.as_str())) {
        None => Ok(()),
        Some((key, _)) => Err(Fault::rule(key.at, format!("unknown attribute `{}`", key.name))
            .maybe_hint(did_you_mean(&key.name, known.iter()))),
    }
}

/// Compiles an expression, which may have to match from the beginning.
pub(super) fn regex(node: &Node, from_start: bool) -> Result<Regex, Fault> {
    let text = node.as_text().unwrap_or_default();
    let written = if from_start { format!("^(?:{text})") } else { text.to_owned() };
    regex::RegexBuilder::new(&written).size_limit(REGEX_BYTES_MAX).build().map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().to_owned();
        Fault::unsupported(node.at, format!("this regular expression: {last}"))
    })
}

/// Turns a replacement as Python writes it (`\1`, `\g<name>`) into one of the `regex` crate.
fn replacement(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => {
                let tail = rest.as_str();
                let digits = tail.chars().take_while(char::is_ascii_digit).take(2).count();
                let named = tail.strip_prefix("g<").and_then(|tail| tail.split_once('>'));
                if let Some((name, behind)) = named {
                    out.extend(["${", name, "}"]);
                    rest = behind.chars();
                } else if digits > 0 {
                    let number: String = rest.by_ref().take(digits).collect();
                    out.extend(["${", &number, "}"]);
                } else {
                    match rest.next() {
                        Some('n') => out.push('\n'),
                        Some('t') => out.push('\t'),
                        Some('r') => out.push('\r'),
                        Some('\\') | None => out.push('\\'),
                        Some(other) => {
                            out.push('\\');
                            out.push(other);
                        }
                    }
                }
            }
            _ => out.push(c),
        }
    }
    out
}
