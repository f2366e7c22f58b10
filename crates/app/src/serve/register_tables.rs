//! The register as tables beside the events in SQL: of each scope what it sees, and no contact data.

use event::Scope;
use event::lake::{Beside, Cells};
use registry::Snapshot;

fn text<T>(rows: &[T], cell: impl Fn(&T) -> Option<String>) -> Cells {
    Cells::Text(rows.iter().map(cell).collect())
}

/// Returns `agencies`, `systems` and `sources`.
pub(super) fn tables(snapshot: &Snapshot, scope: &Scope) -> Vec<Beside> {
    let agencies: Vec<_> = snapshot.tree().iter().filter(|one| scope.sees(one.id)).collect();
    let systems: Vec<_> = snapshot.systems().filter(|one| scope.sees(one.agency)).collect();
    let sources: Vec<_> =
        snapshot.bindings().filter(|one| scope.sees_origin(&one.origin)).collect();
    let level = |level: event::Level| i64::from(level.number());
    vec![
        Beside {
            name: "agencies",
            columns: vec![
                ("id", text(&agencies, |one| Some(one.id.to_string()))),
                ("code", text(&agencies, |one| Some(one.code.clone()))),
                ("name", text(&agencies, |one| Some(one.name.clone()))),
                ("kind", text(&agencies, |one| Some(one.kind.word().to_owned()))),
                ("parent_id", text(&agencies, |one| one.parent.map(|id| id.to_string()))),
            ],
        },
        Beside {
            name: "systems",
            columns: vec![
                ("id", text(&systems, |one| Some(one.id.to_string()))),
                ("code", text(&systems, |one| Some(one.code.clone()))),
                ("name", text(&systems, |one| Some(one.name.clone()))),
                ("agency_id", text(&systems, |one| Some(one.agency.to_string()))),
                ("level", Cells::Number(systems.iter().map(|one| one.level.map(level)).collect())),
                ("state", text(&systems, |one| Some(one.state.word().to_owned()))),
                ("operator", text(&systems, |one| Some(one.operator.clone()))),
            ],
        },
        Beside {
            name: "sources",
            columns: vec![
                ("id", text(&sources, |one| Some(one.origin.source.to_string()))),
                ("code", text(&sources, |one| Some(one.code.clone()))),
                ("name", text(&sources, |one| Some(one.name.clone()))),
                ("agency_id", text(&sources, |one| Some(one.origin.agency.to_string()))),
                ("system_id", text(&sources, |one| one.origin.system.map(|id| id.to_string()))),
                ("parser", text(&sources, |one| Some(one.parser.clone()))),
            ],
        },
    ]
}
