//! The page of administrative units.

use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;
use web::paging::Pager;
use web::{Permission, filters};

use crate::forms::{Choice, Errors};

/// A unit in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct UnitRow {
    pub(crate) code: String,
    pub(crate) name: String,
    /// Its province's name; empty for a province.
    pub(crate) province: String,
    /// The agency of this unit, if there is one in sight.
    pub(crate) agency: Option<String>,
    #[serde(skip)]
    pub(crate) agency_code: String,
    #[serde(skip)]
    pub(crate) below: bool,
}

/// The list.
#[derive(Debug, Template, Serialize, ToSchema)]
#[template(path = "admin_unit/list.html")]
pub(crate) struct UnitList {
    pub(crate) rows: Vec<UnitRow>,
    pub(crate) pager: Pager,
    /// Communes of the chosen province that are no agency yet.
    pub(crate) missing: usize,
    #[serde(skip)]
    pub(crate) q: String,
    #[serde(skip)]
    pub(crate) province: Option<String>,
    #[serde(skip)]
    pub(crate) provinces: Vec<Choice>,
    #[serde(skip)]
    pub(crate) parents: Vec<Choice>,
    #[serde(skip)]
    pub(crate) errors: Errors,
}
