//! The pages of posts and people.

use askama::Template;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use super::model::PostDraft;
use crate::forms::{Choice, Errors};

/// A post in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PostRow {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) kind: String,
    #[serde(skip)]
    pub(crate) kind_key: &'static str,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    /// Who holds it now.
    pub(crate) holder: Option<PersonRow>,
    pub(crate) since: Option<DateTime<Utc>>,
    pub(crate) closed_at: Option<DateTime<Utc>>,
}

/// A person in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PersonRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) email: String,
    pub(crate) agency: String,
    pub(crate) agency_name: String,
    /// What they hold now.
    pub(crate) posts: Vec<String>,
}

/// Someone in a post for a time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HoldingRow {
    /// The person, or the post: what the page is not about.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) from: DateTime<Utc>,
    pub(crate) to: Option<DateTime<Utc>>,
    pub(crate) decision: String,
    pub(crate) lasts: bool,
}

/// The list of posts.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "post/list.html")]
pub(crate) struct PostList {
    pub(crate) rows: Vec<PostRow>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) states: Vec<Choice>,
    #[serde(skip)]
    pub(crate) query: String,
}

/// One post with everyone who held it.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "post/detail.html")]
pub(crate) struct PostDetail {
    pub(crate) row: PostRow,
    pub(crate) duties: String,
    pub(crate) history: Vec<HoldingRow>,
    #[serde(skip)]
    pub(crate) people: Vec<Choice>,
    #[serde(skip)]
    pub(crate) kinds: Vec<Choice>,
    #[serde(skip)]
    pub(crate) errors: Errors,
}

/// A new post.
#[derive(Debug, Template, Serialize)]
#[template(path = "post/form.html")]
pub(crate) struct PostForm {
    pub(crate) draft: PostDraft,
    pub(crate) agencies: Vec<Choice>,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) errors: Errors,
}

/// The list of people.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "post/people.html")]
pub(crate) struct PersonList {
    pub(crate) rows: Vec<PersonRow>,
    pub(crate) pager: Pager,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
}

/// One person with everything they held.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "post/person.html")]
pub(crate) struct PersonDetail {
    /// How good what is known of it is.
    pub(crate) quality: crate::quality::Card,
    pub(crate) row: PersonRow,
    pub(crate) history: Vec<HoldingRow>,
    #[serde(skip)]
    pub(crate) agencies: Vec<Choice>,
    #[serde(skip)]
    pub(crate) errors: Errors,
}
