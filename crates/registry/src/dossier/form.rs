//! Forms 01 to 07 and the dossier itself as official documents, filled from dossier and register. Which
//! form goes with which step is inferred: the decree is silent.

use chrono::{Datelike as _, NaiveDate};
use web::document::{Block, Document, Kind, Signature, Table};
use web::{Lang, Phrase};

use super::draw::vi;
use super::ground::Ground;
use super::model::{Comment, Dossier, State};
use crate::law::{DossierLaw, Law};
use crate::text;

/// A document that comes out of a dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The dossier itself: description, statements on level and plan.
    Dossier,
    /// 01: request to appraise and approve (levels 1 and 2).
    Request,
    /// 02: request to appraise.
    Appraise,
    /// 03: request for the expert opinion.
    Expert,
    /// 04: the opinion.
    Opinion,
    /// 05: proposal to the owner.
    Proposal,
    /// 06: decision on the level.
    LevelDecision,
    /// 07: decision on the security plan.
    PlanDecision,
}

impl Form {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 8] = [
        Self::Dossier,
        Self::Request,
        Self::Appraise,
        Self::Expert,
        Self::Opinion,
        Self::Proposal,
        Self::LevelDecision,
        Self::PlanDecision,
    ];

    /// Returns the form's number in the decree; the dossier itself has none.
    pub(super) const fn number(self) -> &'static str {
        match self {
            Self::Dossier => "00",
            Self::Request => "01",
            Self::Appraise => "02",
            Self::Expert => "03",
            Self::Opinion => "04",
            Self::Proposal => "05",
            Self::LevelDecision => "06",
            Self::PlanDecision => "07",
        }
    }

    /// Returns the form with a number.
    pub(super) fn from_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.number() == number)
    }

    /// Returns the language key of its name.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Dossier => "dossier-form-00",
            Self::Request => "dossier-form-01",
            Self::Appraise => "dossier-form-02",
            Self::Expert => "dossier-form-03",
            Self::Opinion => "dossier-form-04",
            Self::Proposal => "dossier-form-05",
            Self::LevelDecision => "dossier-form-06",
            Self::PlanDecision => "dossier-form-07",
        }
    }

    /// Returns whether a dossier at its step has this form.
    pub(super) fn fits(self, dossier: &Dossier) -> bool {
        let judged = dossier.outcome.favourable.is_some();
        let late = matches!(dossier.state, State::Appraised | State::Approved | State::Filed);
        match self {
            Self::Dossier => true,
            Self::Request => dossier.is_decided_by_unit(),
            Self::Appraise => !dossier.is_decided_by_unit(),
            Self::Expert => dossier.outside,
            Self::Opinion => judged,
            Self::Proposal => late && !dossier.is_decided_by_unit(),
            Self::LevelDecision | Self::PlanDecision => late,
        }
    }
}

/// What a form is filled from.
#[derive(Debug)]
pub(super) struct Filling<'a> {
    pub(super) dossier: &'a Dossier,
    pub(super) ground: &'a Ground,
    /// What was said of the parts in the last round.
    pub(super) comments: &'a [Comment],
}

/// A form's own parts: who issues it to whom, what it is called and says.
struct Sheet {
    superior: Option<String>,
    issuer: String,
    addressees: Vec<String>,
    kind: Kind,
    summary: String,
    body: Vec<Block>,
    /// Number and day as signed, if they are known.
    signed: Option<(String, NaiveDate)>,
}

impl Filling<'_> {
    /// Returns a form as a document.
    pub(super) fn print(&self, form: Form) -> Document {
        let sheet = match form {
            Form::Dossier => self.dossier_sheet(),
            Form::Request | Form::Appraise | Form::Expert => self.request(form),
            Form::Opinion => self.opinion(),
            Form::Proposal => self.proposal(),
            Form::LevelDecision => self.level_decision(),
            Form::PlanDecision => self.plan_decision(),
        };
        let (number, symbol, date) = match &sheet.signed {
            Some((quoted, on)) => {
                let (number, symbol) = quoted.split_once('/').unwrap_or((quoted, ""));
                (number.trim().parse().ok(), symbol.to_owned(), Some(*on))
            }
            None => (None, self.dossier.text("frame_symbol").to_owned(), None),
        };
        let place = self.dossier.text("frame_place");
        let year = date.map_or(self.ground.day.year(), |on| on.year());
        let own = sheet.issuer == self.ground.operator_name();
        let signer =
            |section| if own { self.dossier.text(section).to_owned() } else { String::new() };
        Document {
            superior: sheet.superior,
            issuer: sheet.issuer,
            number,
            symbol,
            place: if place.is_empty() { vi("dossier-form-place") } else { place.to_owned() },
            date,
            year,
            kind: sheet.kind,
            summary: sheet.summary,
            addressees: sheet.addressees,
            body: sheet.body,
            signature: Signature {
                authority: None,
                title: match signer("frame_title") {
                    title if title.is_empty() => vi("dossier-form-head"),
                    title => title,
                },
                name: signer("frame_signer"),
            },
            recipients: Vec::new(),
            filed: vi("dossier-form-filed"),
            wide: false,
        }
    }

    fn say(&self, key: &'static str) -> String {
        Phrase::key(key)
            .arg("system", self.ground.system.name.as_str())
            .arg("level", i64::from(self.dossier.level))
            .arg("operator", self.ground.operator_name())
            .arg("owner", self.ground.owner_name())
            .arg("unit", self.unit())
            .text(Lang::Vi)
    }

    fn unit(&self) -> String {
        match self.dossier.text("frame_to") {
            "" => vi("dossier-form-unit"),
            named => named.to_owned(),
        }
    }

    /// The laws that every form rests on, by the decree it is handled under.
    fn bases(&self) -> Vec<Block> {
        let old = self.dossier.regime == "nd85_2016";
        let decree = if old { "dossier-form-basis-old" } else { "dossier-form-basis-new" };
        let lines = ["dossier-form-basis-law", decree];
        lines.into_iter().map(|key| Block::Paragraph(vi(key))).collect()
    }

    /// Part I of the requests: what the system is.
    fn general(&self) -> Vec<Block> {
        let address = self.ground.operator.as_ref().or(self.ground.owner.as_ref());
        let address = address.map(|agency| agency.address.clone()).unwrap_or_default();
        let regime = Law::builtin().regime.iter().find(|one| one.id == self.dossier.regime);
        let facts = [
            ("dossier-form-system", self.ground.system.name.clone()),
            ("dossier-form-owner", self.ground.owner_name()),
            ("dossier-form-operator", self.ground.operator_name()),
            ("dossier-form-address", address),
            ("dossier-form-level", self.dossier.level.to_string()),
            ("dossier-form-regime", regime.map(|one| one.vi.clone()).unwrap_or_default()),
            ("dossier-form-number", self.dossier.number.clone()),
        ];
        let mut blocks = vec![Block::Heading(vi("dossier-form-general"))];
        let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
        blocks.extend((1..).zip(known).map(|(count, (key, value)): (usize, _)| {
            Block::Paragraph(format!("{count}. {}: {value}", vi(key)))
        }));
        blocks
    }

    /// Part II of the requests: what is enclosed.
    fn enclosed(&self, form: Form) -> Vec<Block> {
        let mut blocks = vec![Block::Heading(vi("dossier-form-enclosed"))];
        for part in DossierLaw::builtin().judged() {
            blocks.push(Block::Item(format!("{};", part.vi)));
        }
        if form == Form::Appraise && self.dossier.outside {
            blocks.push(Block::Item(format!("{};", vi("dossier-form-expert-enclosed"))));
        }
        blocks
    }

    fn request(&self, form: Form) -> Sheet {
        let (summary, asks) = match form {
            Form::Request => ("dossier-form-01-summary", "dossier-form-01-asks"),
            Form::Expert => ("dossier-form-03-summary", "dossier-form-03-asks"),
            _ => ("dossier-form-02-summary", "dossier-form-02-asks"),
        };
        let ministry = form == Form::Appraise && self.dossier.outside;
        let to = if ministry { vi("dossier-form-ministry") } else { self.unit() };
        let mut body = self.bases();
        body.extend(self.general());
        body.extend(self.enclosed(form));
        let asks = Phrase::key(asks)
            .arg("system", self.ground.system.name.as_str())
            .arg("operator", self.ground.operator_name())
            .arg("to", to.as_str());
        body.push(Block::Paragraph(asks.text(Lang::Vi)));
        let (superior, issuer) = self.by_operator();
        let addressees = vec![to];
        let summary = self.say(summary);
        Sheet { superior, issuer, addressees, kind: Kind::Letter, summary, body, signed: None }
    }

    /// The operating unit issues, below the owner.
    fn by_operator(&self) -> (Option<String>, String) {
        let (owner, operator) = (self.ground.owner_name(), self.ground.operator_name());
        if owner == operator {
            (self.ground.superior_name(), owner)
        } else {
            (Some(owner), operator)
        }
    }

    fn opinion(&self) -> Sheet {
        let outcome = &self.dossier.outcome;
        let mut body = self.bases();
        body.extend(self.general());
        body.push(Block::Heading(vi("dossier-form-04-parts")));
        let row = |part: &crate::law::Part| {
            let said = self.comments.iter().rev().find(|said| said.part == part.id);
            let verdict = said.map(|said| vi(said.verdict.key())).unwrap_or_default();
            let words = said.map(|said| said.text.clone()).unwrap_or_default();
            vec![part.vi.clone(), verdict, words]
        };
        body.push(Block::Table(Table {
            head: ["dossier-form-part", "dossier-verdict", "dossier-comment"].map(vi).to_vec(),
            widths: vec![4, 2, 5],
            rows: DossierLaw::builtin().judged().map(row).collect(),
        }));
        body.push(Block::Heading(vi("dossier-form-04-conclusion")));
        body.extend(paragraphs(&outcome.opinion));
        let yes = outcome.favourable == Some(true);
        let end = if yes { "dossier-form-04-yes" } else { "dossier-form-04-no" };
        body.push(Block::Paragraph(self.say(end)));
        Sheet {
            superior: None,
            issuer: self.unit(),
            addressees: vec![self.ground.operator_name()],
            kind: Kind::Letter,
            summary: self.say("dossier-form-04-summary"),
            body,
            signed: None,
        }
    }

    fn proposal(&self) -> Sheet {
        let mut body = self.bases();
        body.extend(self.general());
        body.push(Block::Heading(vi("dossier-form-05-reasons")));
        body.extend(paragraphs(self.dossier.text("level_list")));
        body.push(Block::Heading(vi("dossier-form-05-opinion")));
        let outcome = &self.dossier.outcome;
        body.extend(paragraphs(&outcome.opinion));
        if let Some(on) = outcome.outside_on {
            let words = Phrase::key("dossier-form-05-outside")
                .arg("number", outcome.outside_number.as_str())
                .arg("day", text::day(on));
            body.push(Block::Paragraph(words.text(Lang::Vi)));
        }
        body.push(Block::Paragraph(self.say("dossier-form-05-asks")));
        let (superior, issuer) = self.by_operator();
        Sheet {
            superior,
            issuer,
            addressees: vec![self.ground.owner_name()],
            kind: Kind::Named(vi("dossier-form-05-name")),
            summary: self.say("dossier-form-05-summary"),
            body,
            signed: None,
        }
    }

    /// Who decides: the specialised unit on levels 1 and 2, the owner on the others.
    fn decider(&self) -> (Option<String>, String) {
        if self.dossier.is_decided_by_unit() {
            (None, self.unit())
        } else {
            (self.ground.superior_name(), self.ground.owner_name())
        }
    }

    fn decision(
        &self,
        summary: &'static str,
        articles: Vec<Block>,
        signed: (&str, Option<NaiveDate>),
    ) -> Sheet {
        let mut body = self.bases();
        if let Some(regulation) = self.ground.paper("regulation") {
            let words = Phrase::key("dossier-form-basis-paper")
                .arg("paper", super::draw::quoted(regulation));
            body.push(Block::Paragraph(words.text(Lang::Vi)));
        }
        body.push(Block::Paragraph(self.say("dossier-form-basis-opinion")));
        body.push(Block::Heading(vi("dossier-form-decides")));
        body.extend(articles);
        let (superior, issuer) = self.decider();
        let (number, on) = signed;
        Sheet {
            superior,
            issuer,
            addressees: Vec::new(),
            kind: Kind::Named(vi("dossier-form-decision")),
            summary: self.say(summary),
            body,
            signed: on.filter(|_| !number.is_empty()).map(|on| (number.to_owned(), on)),
        }
    }

    fn level_decision(&self) -> Sheet {
        let outcome = &self.dossier.outcome;
        let articles = ["dossier-form-06-1", "dossier-form-06-2", "dossier-form-06-3"];
        let articles = articles.map(|key| Block::Paragraph(self.say(key))).to_vec();
        let signed = (outcome.level_number.as_str(), outcome.level_on);
        self.decision("dossier-form-06-summary", articles, signed)
    }

    fn plan_decision(&self) -> Sheet {
        let outcome = &self.dossier.outcome;
        let mut articles = vec![Block::Paragraph(self.say("dossier-form-07-1"))];
        articles.extend(self.sections("plan"));
        for key in ["dossier-form-07-2", "dossier-form-07-3"] {
            articles.push(Block::Paragraph(self.say(key)));
        }
        let signed = (outcome.plan_number.as_str(), outcome.plan_on);
        self.decision("dossier-form-07-summary", articles, signed)
    }

    /// The sections of a part, each under its title.
    fn sections(&self, part: &str) -> Vec<Block> {
        let sections = DossierLaw::builtin().sections(self.dossier.level);
        let mut blocks = Vec::new();
        for (count, section) in (1..).zip(sections.filter(|section| section.part == part)) {
            let count: usize = count;
            blocks.push(Block::Heading(format!("{count}. {}", section.vi)));
            blocks.extend(paragraphs(self.dossier.text(&section.id)));
        }
        blocks
    }

    fn dossier_sheet(&self) -> Sheet {
        let mut body = self.bases();
        for (numeral, part) in
            ["I", "II", "III", "IV"].into_iter().zip(DossierLaw::builtin().judged())
        {
            body.push(Block::Heading(format!("{numeral}. {}", part.vi.to_uppercase())));
            body.extend(self.sections(&part.id));
        }
        let (superior, issuer) = self.by_operator();
        Sheet {
            superior,
            issuer,
            addressees: Vec::new(),
            kind: Kind::Named(vi("dossier-form-00-name")),
            summary: self.say("dossier-form-00-summary"),
            body,
            signed: None,
        }
    }
}

/// Returns a text's lines as paragraphs and items; a part without words says so.
fn paragraphs(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return vec![Block::Paragraph(vi("dossier-nothing"))];
    }
    let block = |line: &&str| match line.strip_prefix("- ") {
        Some(item) => Block::Item(item.to_owned()),
        None => Block::Paragraph((*line).to_owned()),
    };
    lines.iter().map(block).collect()
}
