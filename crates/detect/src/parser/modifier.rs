//! Value modifiers: `field|base64offset|contains: value` → what the value must be.
//!
//! The modifiers that change text apply in the order written. Those that change what the value *is*
//! (`re`, `cidr`, `gt` …) stand once. Base64 of a text compares without regard to case like every
//! Sigma text, although base64 is not: the specification makes no exception and the reference
//! converter makes none; `cased` asks for the exact one.

use std::net::IpAddr;

use event::{LazyRegex, RegexFlags};
use ipnet::{IpNet, Ipv4Net};

use super::placeholder::{self, Reading};
use super::text::{self, Draft, Step};
use super::{Context, dialect};
use crate::ast::{Comparison, Matcher, RefPlace, TimePart, Wanted};
use crate::error::{Fault, Place, did_you_mean};
use crate::limits::{EXPANSIONS_MAX, REGEX_BYTES_MAX};
use crate::number::Number;
use crate::pattern::{DASHES, Pattern, Token, tokens};
use crate::yaml::{Node, Scalar};

/// What the value is in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Regex,
    Cidr,
    Exists,
    Field,
    Compare(Comparison),
    TimePart(TimePart),
}

/// The flags of a regular expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flag {
    IgnoreCase,
    MultiLine,
    DotAll,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Modifier {
    Step(Step),
    Kind(Kind),
    Flag(Flag),
    All,
    Negated,
    Cased,
}

/// All modifiers, by name. Source: Sigma specification 2.1, "Modifiers".
const NAMES: [(&str, Modifier); 34] = [
    ("all", Modifier::All),
    ("neq", Modifier::Negated),
    ("cased", Modifier::Cased),
    ("contains", Modifier::Step(Step::Contains)),
    ("startswith", Modifier::Step(Step::StartsWith)),
    ("endswith", Modifier::Step(Step::EndsWith)),
    ("windash", Modifier::Step(Step::Windash)),
    ("expand", Modifier::Step(Step::Expand)),
    ("base64", Modifier::Step(Step::Base64)),
    ("base64offset", Modifier::Step(Step::Base64Offset)),
    ("utf16le", Modifier::Step(Step::Utf16Le)),
    ("wide", Modifier::Step(Step::Utf16Le)),
    ("utf16be", Modifier::Step(Step::Utf16Be)),
    ("utf16", Modifier::Step(Step::Utf16Bom)),
    ("re", Modifier::Kind(Kind::Regex)),
    ("i", Modifier::Flag(Flag::IgnoreCase)),
    ("ignorecase", Modifier::Flag(Flag::IgnoreCase)),
    ("m", Modifier::Flag(Flag::MultiLine)),
    ("multiline", Modifier::Flag(Flag::MultiLine)),
    ("s", Modifier::Flag(Flag::DotAll)),
    ("dotall", Modifier::Flag(Flag::DotAll)),
    ("cidr", Modifier::Kind(Kind::Cidr)),
    ("exists", Modifier::Kind(Kind::Exists)),
    ("fieldref", Modifier::Kind(Kind::Field)),
    ("lt", Modifier::Kind(Kind::Compare(Comparison::Less))),
    ("lte", Modifier::Kind(Kind::Compare(Comparison::LessOrEqual))),
    ("gt", Modifier::Kind(Kind::Compare(Comparison::Greater))),
    ("gte", Modifier::Kind(Kind::Compare(Comparison::GreaterOrEqual))),
    ("minute", Modifier::Kind(Kind::TimePart(TimePart::Minute))),
    ("hour", Modifier::Kind(Kind::TimePart(TimePart::Hour))),
    ("day", Modifier::Kind(Kind::TimePart(TimePart::Day))),
    ("week", Modifier::Kind(Kind::TimePart(TimePart::Week))),
    ("month", Modifier::Kind(Kind::TimePart(TimePart::Month))),
    ("year", Modifier::Kind(Kind::TimePart(TimePart::Year))),
];

/// The modifiers of one field, sorted out.
#[derive(Debug)]
pub(super) struct Modifiers {
    steps: Vec<(Step, Place)>,
    kind: Kind,
    /// How a part of a time compares with the value.
    comparison: Option<Comparison>,
    flags: Vec<Flag>,
    cased: Option<Place>,
    pub(super) all: bool,
    pub(super) negated: bool,
}

/// Reads the modifiers of one field.
pub(super) fn read(named: &[(&str, Place)]) -> Result<Modifiers, Fault> {
    let mut read = Modifiers {
        steps: Vec::new(),
        kind: Kind::Text,
        comparison: None,
        flags: Vec::new(),
        cased: None,
        all: false,
        negated: false,
    };
    for (name, at) in named {
        let Some((_, modifier)) = NAMES.iter().find(|(own, _)| own == name) else {
            return Err(Fault::rule(*at, format!("unknown modifier `{name}`"))
                .maybe_hint(did_you_mean(name, NAMES.iter().map(|(own, _)| *own))));
        };
        match *modifier {
            Modifier::All => read.all = true,
            Modifier::Negated => read.negated = true,
            Modifier::Cased => read.cased = Some(*at),
            Modifier::Step(step) => read.steps.push((step, *at)),
            Modifier::Kind(kind) if read.kind == Kind::Text => read.kind = kind,
            Modifier::Kind(Kind::Compare(comparison))
                if matches!(read.kind, Kind::TimePart(_)) && read.comparison.is_none() =>
            {
                read.comparison = Some(comparison);
            }
            Modifier::Kind(_) => {
                return Err(Fault::rule(*at, format!("`{name}` cannot follow what stands before")));
            }
            Modifier::Flag(flag) if read.kind == Kind::Regex => read.flags.push(flag),
            Modifier::Flag(_) => {
                return Err(Fault::rule(
                    *at,
                    format!("`{name}` is a flag of `re`, which is missing"),
                ));
            }
        }
    }
    read.check()?;
    Ok(read)
}

impl Modifiers {
    /// Checks that the text modifiers fit what the value is.
    fn check(&self) -> Result<(), Fault> {
        let place = |step| matches!(step, Step::Contains | Step::StartsWith | Step::EndsWith);
        for (step, at) in &self.steps {
            let fits = match self.kind {
                Kind::Text => true,
                Kind::Regex => place(*step) || *step == Step::Expand,
                Kind::Field => place(*step),
                Kind::Cidr => *step == Step::Expand,
                _ => false,
            };
            if !fits {
                return Err(Fault::rule(*at, "this modifier does not go with the others"));
            }
        }
        let regards_case = match self.kind {
            Kind::Text | Kind::Field => true,
            Kind::Regex => !self.flags.contains(&Flag::IgnoreCase),
            _ => false,
        };
        match self.cased {
            Some(at) if !regards_case => {
                Err(Fault::rule(at, "`cased` does not go with the other modifiers"))
            }
            _ => Ok(()),
        }
    }

    fn has(&self, step: Step) -> bool {
        self.steps.iter().any(|(own, _)| *own == step)
    }

    fn place(&self) -> RefPlace {
        let (start, end) = (self.has(Step::StartsWith), self.has(Step::EndsWith));
        match (self.has(Step::Contains), start, end) {
            (true, ..) | (_, true, true) => RefPlace::Anywhere,
            (_, true, false) => RefPlace::Start,
            (_, false, true) => RefPlace::End,
            (_, false, false) => RefPlace::Whole,
        }
    }
}

/// Reads one value under its modifiers.
pub(super) fn value(
    node: &Node,
    modifiers: &Modifiers,
    keyword: bool,
    context: Context<'_>,
) -> Result<Wanted, Fault> {
    let Some(scalar) = node.scalar() else {
        let found = node.describe();
        return Err(Fault::rule(node.at, format!("expected a single value, found {found}")));
    };
    if keyword && !matches!(modifiers.kind, Kind::Text | Kind::Regex) {
        return Err(Fault::rule(node.at, "this modifier needs a field"));
    }
    let text = node.as_text();
    match modifiers.kind {
        Kind::Exists => exists(scalar, node.at),
        _ if text.is_none() => null(modifiers, keyword, node.at),
        Kind::Text => text_value(node, scalar, modifiers, keyword, context),
        Kind::Regex => regex_value(node, modifiers, context),
        Kind::Cidr => cidr(node, modifiers, context),
        Kind::Field => field(text.unwrap_or_default(), modifiers, node.at),
        Kind::Compare(comparison) => compare(comparison, text.unwrap_or_default(), node.at),
        Kind::TimePart(part) => time_part(part, scalar, modifiers, node.at),
    }
}

fn exists(scalar: Scalar<'_>, at: Place) -> Result<Wanted, Fault> {
    let wanted = match scalar {
        Scalar::Bool(wanted) => wanted,
        Scalar::Text("true" | "yes") => true,
        Scalar::Text("false" | "no") => false,
        _ => return Err(Fault::rule(at, "`exists` takes `true` or `false`")),
    };
    let written = if wanted { "exists" } else { "does not exist" };
    Ok(Wanted { written: written.to_owned(), variants: vec![Matcher::Exists(wanted)] })
}

fn null(modifiers: &Modifiers, keyword: bool, at: Place) -> Result<Wanted, Fault> {
    if keyword || modifiers.kind != Kind::Text || !modifiers.steps.is_empty() {
        return Err(Fault::rule(at, "null goes with no modifier and is no keyword")
            .hint("write '' for the empty text"));
    }
    Ok(Wanted { written: "null".to_owned(), variants: vec![Matcher::Null] })
}

fn compare(comparison: Comparison, text: &str, at: Place) -> Result<Wanted, Fault> {
    let Some(number) = Number::read(text) else {
        return Err(Fault::rule(at, format!("`{text}` is no number")));
    };
    let variants = vec![Matcher::Compare(comparison, number)];
    Ok(Wanted { written: format!("{} {text}", comparison.sign()), variants })
}

fn field(written: &str, modifiers: &Modifiers, at: Place) -> Result<Wanted, Fault> {
    let name = match tokens(written).as_slice() {
        [Token::Text(name)] => name.clone(),
        _ => return Err(Fault::rule(at, "`fieldref` takes the name of one field, no wildcards")),
    };
    let cased = modifiers.cased.is_some();
    let variants = vec![Matcher::Field { name, place: modifiers.place(), cased }];
    Ok(Wanted { written: format!("= {written}"), variants })
}

/// Reads what a part of a time must be; without a comparison it can only be what such a part can be.
fn time_part(
    part: TimePart,
    scalar: Scalar<'_>,
    modifiers: &Modifiers,
    at: Place,
) -> Result<Wanted, Fault> {
    let Scalar::Int(number) = scalar else {
        return Err(Fault::rule(at, "a part of a time must be a whole number"));
    };
    let name = part.word();
    let range = part.range();
    let comparison = modifiers.comparison.unwrap_or(Comparison::Equal);
    if comparison == Comparison::Equal && !range.contains(&number) {
        let (least, most) = (range.start(), range.end());
        let message = format!("`{name}` is never {number}, only from {least} to {most}");
        return Err(Fault::rule(at, message));
    }
    let variants = vec![Matcher::TimePart(part, comparison, number)];
    Ok(Wanted { written: format!("{name} {} {number}", comparison.sign()), variants })
}

fn cidr(node: &Node, modifiers: &Modifiers, context: Context<'_>) -> Result<Wanted, Fault> {
    let written = node.as_text().unwrap_or_default();
    let mut variants = Vec::new();
    for text in expanded(written, node.at, modifiers, context, &ToOwned::to_owned)? {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        match network {
            Ok(network) => variants.push(Matcher::Cidr(as_ipv4(network))),
            Err(_) => {
                return Err(Fault::rule(node.at, format!("`{text}` is no network"))
                    .hint("write an address with a prefix length: 10.0.0.0/8"));
            }
        }
    }
    Ok(Wanted { written: written.to_owned(), variants })
}

/// Returns a network of IPv4-mapped addresses as the IPv4 network it is, as addresses are seen too.
fn as_ipv4(network: IpNet) -> IpNet {
    let IpNet::V6(mapped) = network else { return network };
    let prefix = mapped.prefix_len().checked_sub(96);
    match (mapped.addr().to_ipv4_mapped(), prefix) {
        (Some(address), Some(prefix)) => Ipv4Net::new(address, prefix).map_or(network, IpNet::V4),
        _ => network,
    }
}

fn regex_value(node: &Node, modifiers: &Modifiers, context: Context<'_>) -> Result<Wanted, Fault> {
    let written = node.as_text().unwrap_or_default();
    let has = |flag| modifiers.flags.contains(&flag);
    let mut variants = Vec::new();
    for text in expanded(written, node.at, modifiers, context, &as_regex)? {
        let text = dialect::translated(&text, has(Flag::MultiLine));
        let anchored = match modifiers.place() {
            RefPlace::Start => format!("^(?:{text})"),
            RefPlace::End => format!("(?:{text})$"),
            RefPlace::Whole | RefPlace::Anywhere => text,
        };
        let flags = RegexFlags {
            ignore_case: has(Flag::IgnoreCase),
            multi_line: has(Flag::MultiLine),
            dot_all: has(Flag::DotAll),
        };
        let regex = LazyRegex::new(&anchored, flags, REGEX_BYTES_MAX)
            .map_err(|error| regex_fault(&error, node.at))?;
        variants.push(Matcher::Regex(regex));
    }
    Ok(Wanted { written: format!("/{written}/"), variants })
}

/// Returns the expression of a placeholder's value: plain text, whose wildcards stand for anything.
fn as_regex(value: &str) -> String {
    let each = |token: &Token| match token {
        Token::Any => ".*".to_owned(),
        Token::One => ".".to_owned(),
        Token::Dash => {
            format!("[{}]", DASHES.map(|dash| regex::escape(&dash.to_string())).concat())
        }
        Token::Text(text) => regex::escape(text),
    };
    tokens(value).iter().map(each).collect()
}

fn regex_fault(error: &regex::Error, at: Place) -> Fault {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    let reason = last.strip_prefix("error: ").unwrap_or(last);
    if text.contains("look-around") || text.contains("backreferences") {
        return Fault::unsupported(at, format!("this regular expression: {reason}"))
            .hint("it would take unbounded time; split it into several conditions");
    }
    match error {
        regex::Error::CompiledTooBig(_) => {
            Fault::unsupported(at, "this regular expression is too large")
        }
        _ => Fault::rule(at, format!("this regular expression: {reason}")),
    }
}

/// Returns the value with its placeholders filled in, where `expand` asks for it.
fn expanded(
    written: &str,
    at: Place,
    modifiers: &Modifiers,
    context: Context<'_>,
    put: &dyn Fn(&str) -> String,
) -> Result<Vec<String>, Fault> {
    if modifiers.has(Step::Expand) {
        let reading =
            Reading { text: &|text| vec![text.to_owned()], value: &|value| vec![put(value)] };
        let variants = placeholder::expand(written, at, context, &reading)?;
        return Ok(variants.iter().map(|pieces| pieces.concat()).collect());
    }
    Ok(vec![written.to_owned()])
}

fn text_value(
    node: &Node,
    scalar: Scalar<'_>,
    modifiers: &Modifiers,
    keyword: bool,
    context: Context<'_>,
) -> Result<Wanted, Fault> {
    let written = node.as_text().unwrap_or_default();
    let mut drafts = vec![Draft { tokens: tokens(written), encoded: None }];
    for (step, at) in &modifiers.steps {
        drafts = text::apply(*step, drafts, *at, context)
            .map_err(|fault| Fault { at: node.at, ..fault })?;
        if drafts.len() > EXPANSIONS_MAX {
            return Err(Fault::unsupported(node.at, "too many variants of one value"));
        }
    }
    let mut variants = Vec::with_capacity(drafts.len());
    for mut draft in drafts {
        if let Some(bytes) = draft.encoded.take() {
            let Ok(text) = String::from_utf8(bytes) else {
                return Err(Fault::unsupported(node.at, "this encoding is no text by itself")
                    .hint("follow it with `base64` or `base64offset`"));
            };
            draft.tokens = vec![Token::Text(text)];
        }
        if keyword {
            draft.tokens.insert(0, Token::Any);
            draft.tokens.push(Token::Any);
        }
        variants.push(Matcher::Text(Pattern::new(draft.tokens, modifiers.cased.is_some())));
    }
    // However large it is, a whole number is written digit for digit.
    let decimal = match (scalar, Number::read(written)) {
        (Scalar::Int(number), _) => Some(number.to_string()),
        (Scalar::Float(_), Some(Number::Whole(number))) => Some(number.to_string()),
        (Scalar::Float(number), _) => Some(number.to_string()),
        _ => None,
    };
    // However a number is written (`0x10`, `010`, `1.50`), it is also the number.
    let plain = modifiers.steps.is_empty() && !keyword;
    if let Some(decimal) = decimal.filter(|decimal| plain && decimal != written) {
        variants.push(Matcher::Text(Pattern::exact(&decimal)));
    }
    Ok(Wanted { written: shown(written, modifiers), variants })
}

/// Returns the value as people read it: with the wildcards that its modifiers stand for.
fn shown(written: &str, modifiers: &Modifiers) -> String {
    let anywhere = modifiers.has(Step::Contains);
    let before = if anywhere || modifiers.has(Step::EndsWith) { "*" } else { "" };
    let after = if anywhere || modifiers.has(Step::StartsWith) { "*" } else { "" };
    let encoded = |(step, _): &(Step, Place)| match step {
        Step::Base64 => Some("base64"),
        Step::Base64Offset => Some("base64offset"),
        Step::Utf16Le => Some("utf16le"),
        Step::Utf16Be => Some("utf16be"),
        Step::Utf16Bom => Some("utf16"),
        _ => None,
    };
    let encodings: Vec<&str> = modifiers.steps.iter().filter_map(encoded).collect();
    let how =
        if encodings.is_empty() { String::new() } else { format!(" ({})", encodings.join(", ")) };
    format!("{before}{written}{after}{how}")
}
