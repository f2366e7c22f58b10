//! A chart: its numbers come from the server; the script draws them, the table shows them to those
//! who want rows, print, or run no script. Drawn by `parts/chart.html`.

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What kind of picture. There are no pies over four slices, no 3-D, no second axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Bars over time; can be brushed to filter.
    Timeline,
    /// A line over time.
    Line,
    /// Lying bars, the longest first: top values.
    Bars,
}

impl Kind {
    /// Returns the word the script knows.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timeline => "timeline",
            Self::Line => "line",
            Self::Bars => "bars",
        }
    }
}

/// One row of numbers under a name.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Series {
    /// Its name, already in the reader's language.
    pub name: String,
    /// The colour's meaning: a severity's word, `accent` or `quiet`.
    pub tone: String,
    /// One number per point.
    pub values: Vec<f64>,
}

/// One point of the x axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Point {
    /// How it is written (`14:05`, `10.20.0.7`).
    pub label: String,
    /// Where its rows are: a number opens them.
    pub href: Option<String>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Chart {
    /// What it shows, in the reader's language.
    pub title: String,
    /// What its points are ("Giờ", "Địa chỉ").
    pub label: String,
    /// The kind of picture.
    pub kind: Kind,
    /// The points.
    pub points: Vec<Point>,
    /// The numbers, each as long as `points`.
    pub series: Vec<Series>,
    /// Moments marked upon a timeline, one line for each point that has any; each as long as
    /// `points`.
    pub marks: Vec<Series>,
    /// Where a brushed part of a timeline leads; `{from}` and `{to}` become the indexes' RFC 3339
    /// times given in `times`.
    pub brush: Option<String>,
    /// RFC 3339 start of each point of a timeline, and the end of the last.
    pub times: Vec<String>,
}

/// A row of the table beside the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The point.
    pub label: &'a str,
    /// Where its rows are.
    pub href: Option<&'a str>,
    /// One value per series, then one per row of marks.
    pub values: Vec<f64>,
}

impl Chart {
    /// Returns what the script reads.
    pub fn data(&self) -> Value {
        json!(self)
    }

    /// Returns the rows of the table.
    pub fn rows(&self) -> Vec<Row<'_>> {
        self.points
            .iter()
            .enumerate()
            .map(|(index, point)| Row {
                label: &point.label,
                href: point.href.as_deref(),
                values: self
                    .series
                    .iter()
                    .chain(&self.marks)
                    .map(|series| series.values.get(index).copied().unwrap_or_default())
                    .collect(),
            })
            .collect()
    }
}
