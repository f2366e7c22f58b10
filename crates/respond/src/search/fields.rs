//! The names that a query line knows: a page to read, and the completion of what is being typed.

use askama::Template;
use event::query::summary::FigureKind;
use event::query::{Builtin, Moment, STAGES};
use event::{Attr, AttrType, Class, TimeQuality};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Lang, Phrase, filters};

use crate::field_name::human;

/// Names offered while typing: what an eye takes in.
const OFFERED: usize = 10;

/// Values offered: a page narrows them by what is typed after.
pub(super) const VALUES_OFFERED: usize = 50;

/// Every name, or those that fit what is being typed.
#[derive(Debug, Clone, Serialize, ToSchema, Template)]
#[template(path = "search/fields.html")]
pub struct FieldsPage {
    /// What was typed so far.
    pub line: String,
    /// The character, from 0, at which the offered text begins to stand.
    pub from: usize,
    /// What may stand there.
    pub offers: Vec<Offer>,
}

/// One thing that may be typed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Offer {
    /// What to type.
    pub text: String,
    /// `text`, `number`, `address`, `time`, `word`, `stage`, `function` or `value`.
    pub kind: &'static str,
    /// The OCSF path of a field.
    pub path: Option<&'static str>,
    /// What it means.
    pub about: String,
}

impl Offer {
    /// Returns the key of the word for its kind.
    pub fn kind_key(&self) -> &'static str {
        match self.kind {
            "number" => "search-kind-number",
            "address" => "search-kind-address",
            "time" => "search-kind-time",
            "stage" => "search-kind-stage",
            "function" => "search-kind-function",
            "word" => "search-kind-word",
            "value" => "search-value",
            _ => "search-kind-text",
        }
    }

    /// Returns the search for events that have the field.
    pub fn example(&self) -> Option<String> {
        let is_field = matches!(self.kind, "text" | "number" | "address");
        let address = crate::address::Address::of("/search").with("q", format!("{}*", self.text));
        is_field.then(|| address.to_string())
    }
}

fn fields(lang: Lang) -> impl Iterator<Item = Offer> {
    let attrs = Attr::ALL.iter().map(move |attr| Offer {
        text: format!("{}:", attr.alias()),
        kind: match attr.kind() {
            AttrType::Int => "number",
            AttrType::Ip => "address",
            AttrType::Text => "text",
        },
        path: Some(attr.path()),
        about: known(attr.alias(), lang),
    });
    let builtins = Builtin::ALL.into_iter().map(move |builtin| Offer {
        text: format!("{}:", builtin.name()),
        kind: "text",
        path: None,
        about: Phrase::key(builtin_key(builtin)).text(lang),
    });
    let moments = Moment::ALL.into_iter().map(move |moment| Offer {
        text: format!("{}:", moment.name()),
        kind: "time",
        path: None,
        about: Phrase::key(match moment {
            Moment::Occurred => "search-field-occurred",
            Moment::Collected => "search-field-collected",
        })
        .text(lang),
    });
    attrs.chain(builtins).chain(moments)
}

/// Returns what people call a field, or nothing where we have no better word than its name.
fn known(name: &str, lang: Lang) -> String {
    let told = human(name, lang);
    if told == name { String::new() } else { told }
}

const fn builtin_key(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::EventId => "search-field-event-id",
        Builtin::AgencyId => "search-field-agency",
        Builtin::SystemId => "search-field-system",
        Builtin::SourceId => "search-field-source",
        Builtin::Class => "search-field-class",
        Builtin::Parser => "search-field-parser",
        Builtin::LogProduct | Builtin::LogCategory | Builtin::LogService => {
            "search-field-logsource"
        }
        Builtin::TimeQuality => "search-field-time-quality",
        Builtin::EventNote => "search-field-note",
    }
}

fn words(lang: Lang) -> impl Iterator<Item = Offer> {
    let keys = [("AND", "search-word-and"), ("OR", "search-word-or"), ("NOT", "search-word-not")];
    keys.into_iter().map(move |(word, key)| offer(word, "word", key, lang))
}

fn stages(lang: Lang) -> impl Iterator<Item = Offer> {
    STAGES.into_iter().map(move |stage| {
        let key = match stage {
            "stats" => "search-stage-stats",
            "timechart" => "search-stage-timechart",
            "top" => "search-stage-top",
            "rare" => "search-stage-rare",
            "where" => "search-stage-where",
            "sort" => "search-stage-sort",
            _ => "search-stage-limit",
        };
        offer(stage, "stage", key, lang)
    })
}

fn functions(lang: Lang) -> impl Iterator<Item = Offer> {
    FigureKind::ALL.into_iter().map(move |(word, kind)| {
        let key = match kind {
            FigureKind::Count => "search-figure-count",
            FigureKind::Sum => "search-figure-sum",
            FigureKind::Min => "search-figure-min",
            FigureKind::Max => "search-figure-max",
            FigureKind::Avg => "search-figure-avg",
            FigureKind::Distinct => "search-figure-distinct",
        };
        offer(&format!("{word}("), "function", key, lang)
    })
}

fn offer(text: &str, kind: &'static str, key: &'static str, lang: Lang) -> Offer {
    Offer { text: text.to_owned(), kind, path: None, about: Phrase::key(key).text(lang) }
}

/// Returns everything that a line may hold.
pub(super) fn all(lang: Lang) -> FieldsPage {
    let offers = fields(lang).chain(words(lang)).chain(stages(lang)).chain(functions(lang));
    FieldsPage { line: String::new(), from: 0, offers: offers.collect() }
}

/// Where someone types.
#[derive(Debug)]
pub(super) struct Place {
    line: String,
    /// The character at which what is being typed begins.
    from: usize,
    /// What stands before it.
    left: String,
    typed: String,
}

impl Place {
    /// Returns the place at this character of a line.
    pub(super) fn of(line: &str, at: usize) -> Self {
        let before: Vec<char> = line.chars().take(at).collect();
        let is_part = |c: &&char| c.is_alphanumeric() || "_.-@".contains(**c);
        let length = before.iter().rev().take_while(is_part).count();
        let from = before.len() - length;
        let typed = before.get(from..).unwrap_or_default().iter().collect();
        let left = before.get(..from).unwrap_or_default().iter().collect();
        Self { line: line.to_owned(), from, left, typed }
    }

    fn is_quoted(&self) -> bool {
        self.left.matches('"').count() % 2 == 1
    }

    /// Returns the field whose value stands here, unless the language knows all its values.
    pub(super) fn open_field(&self) -> Option<&str> {
        self.field().filter(|field| values(field).is_empty())
    }

    fn field(&self) -> Option<&str> {
        if self.is_quoted() || self.left.contains('|') {
            return None;
        }
        let name = self.left.strip_suffix(':')?.rsplit([' ', '(']).next()?;
        Some(name.trim_start_matches(['-', '!'])).filter(|name| !name.is_empty())
    }

    /// Returns what may stand here; `known` are values that its field has.
    pub(super) fn page(&self, known: Vec<Offer>, lang: Lang) -> FieldsPage {
        let mut page = FieldsPage { line: self.line.clone(), from: self.from, offers: Vec::new() };
        if self.is_quoted() {
            return page;
        }
        let mut offered = OFFERED;
        let offers: Vec<Offer> = match self.left.rsplit_once('|') {
            Some((_, stage)) if stage.trim().is_empty() => stages(lang).collect(),
            // Inside a stage a field stands without its colon.
            Some(_) => fields(lang)
                .map(|mut one| {
                    one.text = one.text.trim_end_matches(':').to_owned();
                    one
                })
                .chain(functions(lang))
                .collect(),
            None if self.left.ends_with(':') => {
                offered = VALUES_OFFERED;
                self.field().map(values).into_iter().flatten().chain(known).collect()
            }
            None if self.typed.is_empty() => Vec::new(),
            None => fields(lang).chain(words(lang)).collect(),
        };
        page.offers = fitting(offers, &self.typed, offered);
        page
    }
}

/// Returns the values of fields that have few.
fn values(field: &str) -> Vec<Offer> {
    let words: Vec<&'static str> = match Attr::from_name(field) {
        Some(Attr::Action) => vec!["allowed", "denied", "blocked", "detected"],
        Some(Attr::Status) => vec!["success", "failure"],
        Some(Attr::Direction) => vec!["inbound", "outbound", "lateral"],
        Some(Attr::Protocol) => vec!["tcp", "udp", "icmp"],
        _ if Builtin::from_name(field) == Some(Builtin::Class) => {
            Class::ALL.iter().map(|class| class.word()).collect()
        }
        _ if Builtin::from_name(field) == Some(Builtin::TimeQuality) => {
            TimeQuality::ALL.iter().map(|quality| quality.word()).collect()
        }
        _ => Vec::new(),
    };
    let one = |word: &str| Offer {
        text: word.to_owned(),
        kind: "word",
        path: None,
        about: String::new(),
    };
    words.into_iter().map(one).collect()
}

/// Returns the offers that fit, those that begin so first.
fn fitting(offers: Vec<Offer>, typed: &str, offers_max: usize) -> Vec<Offer> {
    let low = event::fold::fold(typed);
    let rank = |one: &Offer| {
        let text = event::fold::fold(one.text.trim_start_matches('"'));
        if one.text.starts_with(typed) {
            // As typed: `A` is nearer to AND than to a field.
            Some(0)
        } else if text.starts_with(&low) {
            Some(1)
        } else if text.contains(&low) || one.path.is_some_and(|path| path.contains(&low)) {
            Some(2)
        } else {
            event::fold::fold(&one.about).contains(&low).then_some(3)
        }
    };
    let mut fit: Vec<(u8, Offer)> =
        offers.into_iter().filter_map(|one| Some((rank(&one)?, one))).collect();
    fit.sort_by_key(|(rank, _)| *rank);
    let is_done = |one: &Offer| one.text == typed;
    fit.into_iter().map(|(_, one)| one).filter(|one| !is_done(one)).take(offers_max).collect()
}

#[cfg(test)]
mod tests {
    use web::testing::faults;

    use super::*;

    fn offered(line: &str, at: usize) -> FieldsPage {
        Place::of(line, at).page(Vec::new(), Lang::Vi)
    }

    #[test]
    fn values_are_asked_of_the_lake_where_the_language_knows_none() {
        let open =
            |line: &str| Place::of(line, line.chars().count()).open_field().map(ToOwned::to_owned);
        for line in ["user:", "a (user:b", "-user:an", "NOT user:"] {
            assert_eq!(open(line).as_deref(), Some("user"), "{line}");
        }
        for line in ["user", "status:", "\"user:", "* | top user:", "a :", ":", ""] {
            assert_eq!(open(line), None, "{line}");
        }
        let known = |text: &str| Offer {
            text: text.to_owned(),
            kind: "value",
            path: None,
            about: "Cổng dịch vụ".to_owned(),
        };
        let texts = |line: &str| -> Vec<String> {
            let known = vec![known("\"An Bình\""), known("x-binh"), known("bình")];
            let page = Place::of(line, line.chars().count()).page(known, Lang::Vi);
            page.offers.into_iter().map(|one| one.text).collect()
        };
        assert_eq!(texts("user:"), ["\"An Bình\"", "x-binh", "bình"]);
        assert_eq!(texts("user:binh"), ["bình", "\"An Bình\"", "x-binh"]);
        assert_eq!(texts("user:an"), ["\"An Bình\""]);
        assert_eq!(texts("user:cong"), ["\"An Bình\"", "x-binh", "bình"], "by what they mean");
    }

    #[test]
    fn what_fits_the_place_is_offered() {
        let check = |line: &str, first: &str, from: usize| {
            let page = offered(line, line.chars().count());
            let text = page.offers.first().map_or("", |one| one.text.as_str());
            assert_eq!((text, page.from), (first, from), "{line}");
        };
        check("src_i", "src_ip:", 0);
        check("user:an A", "AND", 8);
        check("status:", "success", 7);
        check("class:auth", "authentication", 6);
        check("\"src_i", "", 1);
        check("* | ", "stats", 4);
        check("* | stats su", "sum(", 10);
        check("* | top src_i", "src_ip", 8);
        check("dia chi ngu", "src_ip:", 8);
        check("zzz", "", 0);
        check("", "", 0);
    }

    #[test]
    fn the_page_of_names_is_sound() {
        assert_eq!(faults(&all(Lang::Vi)), Vec::<String>::new());
        assert_eq!(faults(&offered("src", 3)), Vec::<String>::new());
    }
}
