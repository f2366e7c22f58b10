//! Official documents: one description, printed as DOCX and as PDF in the layout of Decree
//! 30/2020/NĐ-CP, Annex I (which part stands where, in which size).
//!
//! A slice fills a [`Document`] and prints it with [`Document::docx`] or [`Document::pdf`]; the same
//! document always prints the same words, and the same PDF to the byte. Documents are in Vietnamese,
//! whoever reads.

mod docx;
mod font;
mod layout;
mod measure;
mod pdf;
#[cfg(test)]
mod tests;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::{Lang, Phrase};

/// What a DOCX file is called among media types.
pub const DOCX_MEDIA: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// What a PDF file is called among media types.
pub const PDF_MEDIA: &str = "application/pdf";

/// Why a document could not be printed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A font was not built in: `cargo xtask assets` was not run before the build.
    #[error("the font {0} is missing or cannot be read")]
    Font(&'static str),
    /// The PDF could not be written.
    #[error("the PDF could not be written: {0}")]
    Pdf(String),
    /// The DOCX could not be written.
    #[error("the DOCX could not be written")]
    Docx(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An official document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The body above the one that issues it, if it is named.
    pub superior: Option<String>,
    /// The body that issues it.
    pub issuer: String,
    /// Its number within the year; nothing while it has none.
    pub number: Option<u32>,
    /// What follows the number: `BC-CAT`; may be empty while nobody has set it.
    pub symbol: String,
    /// Where it is issued.
    pub place: String,
    /// When; nothing while it is a draft.
    pub date: Option<NaiveDate>,
    /// The year, for a draft whose day is open.
    pub year: i32,
    /// What kind of document it is.
    pub kind: Kind,
    /// What it is about, in a phrase: *trích yếu*.
    pub summary: String,
    /// To whom it is addressed; nothing leaves the line out.
    pub addressees: Vec<String>,
    /// What it says.
    pub body: Vec<Block>,
    /// Who signs.
    pub signature: Signature,
    /// Who gets it, each without the dash and with its mark (`;`) or without.
    pub recipients: Vec<String>,
    /// Where it is filed: `VT, PA05`.
    pub filed: String,
    /// Whether the paper lies on its side, with smaller tables: for those of many columns.
    #[serde(default)]
    pub wide: bool,
}

/// What kind of document it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One with a name of its kind above the summary: BÁO CÁO, KẾ HOẠCH, THÔNG BÁO.
    Named(String),
    /// A letter (*công văn*): it has no name, and its summary stands under its number.
    Letter,
}

/// A part of what a document says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// A numbered heading (`1. Diễn biến`), bold, on its own line.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// An item of a list, after a dash.
    Item(String),
    /// A table.
    Table(Table),
}

/// A table in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The heads of the columns.
    pub head: Vec<String>,
    /// How wide each column is, in parts of the whole; as many as heads.
    pub widths: Vec<u16>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// By what right someone signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// *Thay mặt*: for a body that decides together.
    OnBehalf,
    /// *Ký thay*: a deputy for the head.
    Deputy,
    /// *Thừa lệnh*: by order of the head.
    ByOrder,
    /// *Thừa ủy quyền*: by authority given.
    ByProxy,
    /// *Quyền*: acting head.
    Acting,
}

impl Authority {
    /// All of them, in the order of the form.
    pub const ALL: [Self; 5] =
        [Self::OnBehalf, Self::Deputy, Self::ByOrder, Self::ByProxy, Self::Acting];

    /// Returns the word used in columns and forms.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OnBehalf => "tm",
            Self::Deputy => "kt",
            Self::ByOrder => "tl",
            Self::ByProxy => "tuq",
            Self::Acting => "q",
        }
    }

    /// Returns the authority that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    const fn key(self) -> &'static str {
        match self {
            Self::OnBehalf => "document-authority-tm",
            Self::Deputy => "document-authority-kt",
            Self::ByOrder => "document-authority-tl",
            Self::ByProxy => "document-authority-tuq",
            Self::Acting => "document-authority-q",
        }
    }
}

/// The block of whoever signs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signature {
    /// By what right, and whose: `KT.` and `GIÁM ĐỐC`.
    pub authority: Option<(Authority, String)>,
    /// The title of the one who signs.
    pub title: String,
    /// Their name.
    pub name: String,
}

impl Document {
    /// Returns the document as a DOCX file.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub fn docx(&self) -> Result<Vec<u8>, DocumentError> {
        docx::print(&self.clean())
    }

    /// Returns the document as a PDF file (PDF/A-2b, fonts inside).
    ///
    /// # Errors
    /// When the fonts are missing, or it cannot be written.
    pub fn pdf(&self) -> Result<Vec<u8>, DocumentError> {
        pdf::print(&self.clean())
    }

    /// Returns the number with its symbol, as people quote it: `12/BC-CAT`.
    pub fn quoted(&self) -> Option<String> {
        self.number.map(|number| format!("{}/{}", padded(number), self.symbol))
    }

    /// Returns the document as it can be printed: composed letters, no control characters, no empty
    /// body (a document says something, if only that nothing was said).
    fn clean(&self) -> Self {
        let each = |all: &[String]| all.iter().map(|text| clean(text)).collect::<Vec<_>>();
        let block = |block: &Block| match block {
            Block::Heading(text) => Block::Heading(clean(text)),
            Block::Paragraph(text) => Block::Paragraph(clean(text)),
            Block::Item(text) => Block::Item(clean(text)),
            Block::Table(table) => Block::Table(Table {
                head: each(&table.head),
                widths: table.widths.clone(),
                rows: table.rows.iter().map(|row| each(row)).collect(),
            }),
        };
        let signature = &self.signature;
        Self {
            superior: self.superior.as_deref().map(clean).filter(|text| !text.is_empty()),
            issuer: clean(&self.issuer),
            number: self.number,
            symbol: clean(&self.symbol),
            place: clean(&self.place),
            date: self.date,
            year: self.year,
            kind: match &self.kind {
                Kind::Named(name) => Kind::Named(clean(name)),
                Kind::Letter => Kind::Letter,
            },
            summary: clean(&self.summary),
            addressees: each(&self.addressees),
            body: self.body.iter().map(block).collect(),
            signature: Signature {
                authority: signature.authority.as_ref().map(|(how, whose)| (*how, clean(whose))),
                title: clean(&signature.title),
                name: clean(&signature.name),
            },
            recipients: each(&self.recipients),
            filed: clean(&self.filed),
            wide: self.wide,
        }
    }

    fn number_line(&self) -> String {
        let phrase = match self.number {
            Some(number) => Phrase::key("document-number").arg("number", padded(number)),
            None if self.symbol.is_empty() => return vi("document-number-plain"),
            None => Phrase::key("document-number-open"),
        };
        phrase.arg("symbol", self.symbol.as_str()).text(Lang::Vi)
    }

    fn place_line(&self) -> String {
        let year = |phrase: Phrase, year: i32| phrase.arg("year", year.to_string()).text(Lang::Vi);
        let Some(date) = self.date else {
            let open = Phrase::key("document-place-undated").arg("place", self.place.as_str());
            return year(open, self.year);
        };
        // Days below 10 and the months 1 and 2 have a zero before them, so that nothing can be added.
        let month = date.month();
        let month = if month <= 2 { format!("{month:02}") } else { month.to_string() };
        let line = Phrase::key("document-place-date")
            .arg("place", self.place.as_str())
            .arg("day", format!("{:02}", date.day()))
            .arg("month", month);
        year(line, date.year())
    }

    /// Returns the lines above the signature: by what right, and the title.
    fn signer_lines(&self) -> Vec<String> {
        let by = self.signature.authority.as_ref().map(|(how, whose)| {
            Phrase::key(how.key()).arg("body", whose.as_str()).text(Lang::Vi).to_uppercase()
        });
        by.into_iter().chain([self.signature.title.to_uppercase()]).collect()
    }

    /// Returns the lines of the recipients, each with its dash.
    fn recipient_lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        if !self.addressees.is_empty() {
            lines.push(format!("- {}", vi("document-like-above")));
        }
        for recipient in &self.recipients {
            let text = recipient.trim_end_matches([';', '.']);
            lines.push(format!("- {text};"));
        }
        let file = Phrase::key("document-file").arg("where", self.filed.as_str()).text(Lang::Vi);
        lines.push(format!("- {file}"));
        lines
    }

    /// Returns what the document says, ended with `./.` as the decree wants.
    fn ended_body(&self) -> Vec<Block> {
        let mut body = self.body.clone();
        match body.last_mut() {
            Some(Block::Paragraph(text) | Block::Item(text)) => {
                let open = text.trim_end_matches(['.', '/', ' ']).to_owned();
                *text = format!("{open}./.");
            }
            _ => body.push(Block::Paragraph("./.".to_owned())),
        }
        body
    }
}

/// Returns a number as documents write it: below 10 with a zero before it.
fn padded(number: u32) -> String {
    format!("{number:02}")
}

/// Returns a fixed part in the language of documents.
fn vi(key: &'static str) -> String {
    Phrase::key(key).text(Lang::Vi)
}

/// Returns text as it can be printed: composed letters, and spaces for whatever controls a device.
fn clean(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.nfc().map(printable).collect::<String>().trim().to_owned()
}
