//! Events, page by page, as the bytes of a file.

use event::Event;
use event::lake::{EventFile, LakeError};
use web::Lang;

use super::Kind;
use crate::desk::Desk;
use crate::error::RespondError;
use crate::file::{Format, Sheet, bytes, lines};

/// What turns events into a file's bytes.
#[derive(Debug)]
pub(super) enum Pages {
    Csv(Lang),
    Ndjson,
    Parquet(Box<dyn EventFile>),
}

impl Pages {
    /// Begins a file of a kind.
    pub(super) fn begin(kind: Kind, desk: &Desk, lang: Lang) -> Result<Self, LakeError> {
        Ok(match kind {
            Kind::Csv => Self::Csv(lang),
            Kind::Ndjson => Self::Ndjson,
            Kind::Parquet => Self::Parquet(desk.lake.event_file()?),
        })
    }

    /// Returns what stands before the events.
    pub(super) fn head(&self) -> Result<Vec<u8>, RespondError> {
        match self {
            Self::Csv(lang) => {
                let head = Sheet { head: crate::search::columns(*lang), rows: Vec::new() };
                bytes(&head, Format::Csv)
            }
            Self::Ndjson | Self::Parquet(_) => Ok(Vec::new()),
        }
    }

    /// Takes events in; returns what is to be written now.
    pub(super) fn add(&mut self, desk: &Desk, events: &[Event]) -> Result<Vec<u8>, RespondError> {
        match self {
            Self::Csv(_) => {
                let rows = events.iter().map(|event| crate::search::cells(desk, event));
                lines(&rows.collect::<Vec<_>>())
            }
            Self::Ndjson => {
                let mut text = Vec::new();
                for event in events {
                    serde_json::to_writer(&mut text, event).map_err(RespondError::Json)?;
                    text.push(b'\n');
                }
                Ok(text)
            }
            Self::Parquet(file) => Ok(file.add(events)?),
        }
    }

    /// Returns what stands after the events.
    pub(super) fn tail(self) -> Result<Vec<u8>, RespondError> {
        match self {
            Self::Csv(_) | Self::Ndjson => Ok(Vec::new()),
            Self::Parquet(file) => Ok(file.finish()?),
        }
    }
}
