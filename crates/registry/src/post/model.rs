//! What a post, a person and a holding are, and what forms may say about them.

use chrono::{DateTime, NaiveDate, Utc};
use event::{AccountId, AgencyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{AppError, FieldErrors, Phrase};

use crate::limits;
use crate::text::{check_length, check_name, check_phone, clean};

/// What a post is for. The words stand in the database: append only.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PostKind {
    /// Leads the agency.
    Head,
    /// Stands beside the head for this field.
    Deputy,
    /// Whom others turn to in matters of network security.
    FocalPoint,
    /// Of the on-site force: runs, watches, responds first.
    OnSite,
    /// Answers the telephone day and night.
    Duty,
    /// A specialist for network security.
    Specialist,
    /// Anything else.
    Other,
}

impl PostKind {
    /// All kinds, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Head,
        Self::Deputy,
        Self::FocalPoint,
        Self::OnSite,
        Self::Duty,
        Self::Specialist,
        Self::Other,
    ];

    /// Returns the word used in columns, forms and addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Deputy => "deputy",
            Self::FocalPoint => "focal_point",
            Self::OnSite => "on_site",
            Self::Duty => "duty",
            Self::Specialist => "specialist",
            Self::Other => "other",
        }
    }

    /// Returns the kind that a word names; an unknown word is some other kind.
    pub fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(Self::Other)
    }

    /// Returns the language key of the kind's name.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Head => "post-kind-head",
            Self::Deputy => "post-kind-deputy",
            Self::FocalPoint => "post-kind-focal-point",
            Self::OnSite => "post-kind-on-site",
            Self::Duty => "post-kind-duty",
            Self::Specialist => "post-kind-specialist",
            Self::Other => "post-kind-other",
        }
    }
}

/// A post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its id.
    pub id: Uuid,
    /// The agency it belongs to.
    pub agency: AgencyId,
    /// What it is called ("Phó Giám đốc phụ trách chuyển đổi số").
    pub title: String,
    /// What it is for.
    pub kind: PostKind,
    /// What its holder must do.
    pub duties: String,
    /// Since when there is one.
    pub created_at: DateTime<Utc>,
    /// Since when there is none; `None` while there is.
    pub closed_at: Option<DateTime<Utc>>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// The agency they belong to.
    pub agency: AgencyId,
    /// Their name.
    pub name: String,
    /// Telephone.
    pub phone: String,
    /// Mail address.
    pub email: String,
    /// Their account, if they have one.
    pub account: Option<AccountId>,
    /// Since when they are known.
    pub created_at: DateTime<Utc>,
}

/// Someone in a post, for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Its id.
    pub id: Uuid,
    /// The post.
    pub post: Uuid,
    /// Who.
    pub person: Uuid,
    /// From when.
    pub from: DateTime<Utc>,
    /// Until when; `None`: still.
    pub to: Option<DateTime<Utc>>,
    /// The decision that says so ("QĐ 12/QĐ-SYT").
    pub decision: String,
}

impl Holding {
    /// Returns whether it lasts at a moment.
    pub fn lasts(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// What a form or program says about a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PostDraft {
    /// The agency it belongs to; not changed later.
    #[schema(value_type = Option<String>)]
    pub agency: Option<AgencyId>,
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// What it is for: `head`, `focal_point` …
    #[serde(default)]
    pub kind: String,
    /// What its holder must do.
    #[serde(default)]
    pub duties: String,
}

impl PostDraft {
    /// Returns the draft with tidy fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub fn checked(mut self) -> Result<Self, AppError> {
        self.title = clean(&self.title);
        self.duties = clean(&self.duties);
        let mut errors = FieldErrors::default();
        check_name(&mut errors, "title", &self.title);
        check_length(&mut errors, "duties", &self.duties, limits::TEXT_CHARS_MAX);
        if !PostKind::ALL.iter().any(|kind| kind.word() == self.kind) {
            errors.add("kind", Phrase::key("registry-field-choose"));
        }
        errors.check()?;
        Ok(self)
    }
}

/// What a form or program says about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonDraft {
    /// The agency they belong to; of someone appointed anew, the post's.
    #[schema(value_type = Option<String>)]
    pub agency: Option<AgencyId>,
    /// Their name.
    #[serde(default)]
    pub name: String,
    /// Telephone.
    #[serde(default)]
    pub phone: String,
    /// Mail address.
    #[serde(default)]
    pub email: String,
}

impl PersonDraft {
    /// Returns the draft with tidy fields.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field that does not fit.
    pub fn checked(mut self) -> Result<Self, AppError> {
        for field in [&mut self.name, &mut self.phone, &mut self.email] {
            *field = clean(field);
        }
        let mut errors = FieldErrors::default();
        check_name(&mut errors, "name", &self.name);
        check_phone(&mut errors, "phone", &self.phone);
        check_length(&mut errors, "email", &self.email, limits::NAME_CHARS_MAX);
        if !self.email.is_empty() && !self.email.contains('@') {
            errors.add("email", Phrase::key("registry-field-email"));
        }
        errors.check()?;
        Ok(self)
    }
}

/// Who takes a post, and from when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Appointment {
    /// Someone known; else a new person is made of name, telephone and mail.
    #[schema(value_type = Option<String>)]
    pub(crate) person: Option<Uuid>,
    /// Name of someone new.
    #[serde(default)]
    pub(crate) name: String,
    /// Their telephone.
    #[serde(default)]
    pub(crate) phone: String,
    /// Their mail address.
    #[serde(default)]
    pub(crate) email: String,
    /// First day, in Vietnam; today unless given.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) from: Option<NaiveDate>,
    /// The decision that says so.
    #[serde(default)]
    pub(crate) decision: String,
}

/// When a post falls vacant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vacating {
    /// The first day without its holder, in Vietnam; now unless given.
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) to: Option<NaiveDate>,
}

/// Which posts a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PostFilter {
    /// Part of the title, or of the holder's name; diacritics do not matter.
    pub(crate) q: Option<String>,
    /// Only this agency's.
    pub(crate) agency: Option<AgencyId>,
    /// Only this kind.
    pub(crate) kind: Option<String>,
    /// `vacant` shows those that nobody holds, `closed` those that are no more.
    pub(crate) state: Option<String>,
}

/// Which people a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonFilter {
    /// Part of the name or telephone; diacritics do not matter.
    pub(crate) q: Option<String>,
    /// Only this agency's.
    pub(crate) agency: Option<AgencyId>,
}
