//! `luytre lake chain`: the chain over the lake's files as lines, for whoever wants to follow it without this
//! program (`docs/proof.md` tells how).

use std::io::Write as _;

use anyhow::Result;

use super::Outcome;
use crate::catalogue::chain;
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<Outcome> {
    let db = super::open_existing_db(config).await?;
    let mut after = 0;
    loop {
        let entries = chain::entries(&db, after).await?;
        let Some(last) = entries.last() else { return Ok(Outcome::Good) };
        after = last.seq;
        let mut lines = Vec::new();
        for entry in &entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        std::io::stdout().write_all(&lines)?;
    }
}
