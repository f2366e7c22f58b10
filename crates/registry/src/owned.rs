//! Whose a name or an address is: what is ours must not be taken for an attacker's.

use std::net::IpAddr;

use db::{Db, DbError};
use event::Scope;
use ipnet::IpNet;

use crate::asset;
use crate::directory::Snapshot;
use crate::system::SystemState;

/// What a system or one of its machines answers at.
struct Own {
    system: String,
    name: String,
    network: Option<IpNet>,
}

/// Returns for each host (a name, an address, a network) the system that answers there, at a name above or
/// below it, or in a network around or inside it: its name, and where it answers.
///
/// # Errors
/// When the database does not answer.
pub async fn owned(
    db: &Db,
    snapshot: &Snapshot,
    hosts: &[String],
) -> Result<Vec<Option<(String, String)>>, DbError> {
    let mut all: Vec<Own> = Vec::new();
    for system in snapshot.systems().filter(|system| system.state != SystemState::Retired) {
        let names = system.domains.iter().cloned();
        let networks = system.ip_ranges.iter().map(ToString::to_string);
        all.extend(names.chain(networks).map(|text| own(&system.name, &text)));
    }
    for one in asset::all(db.conn(), &Scope::platform()).await? {
        let system = one.system.and_then(|id| snapshot.system(id));
        if let Some(system) = system.filter(|_| !one.address.trim().is_empty()) {
            all.push(own(&system.name, &one.address));
        }
    }
    let whose = |host: &String| {
        let asked = own("", host);
        let found = all.iter().find(|own| meet(own, &asked))?;
        Some((found.system.clone(), found.name.clone()))
    };
    Ok(hosts.iter().map(whose).collect())
}

fn own(system: &str, text: &str) -> Own {
    let name = text.trim().trim_matches('.').to_lowercase();
    let network = name.parse().or_else(|_| name.parse::<IpAddr>().map(IpNet::from));
    Own { system: system.to_owned(), network: network.ok(), name }
}

fn meet(own: &Own, asked: &Own) -> bool {
    match (own.network, asked.network) {
        (Some(own), Some(asked)) => own.contains(&asked) || asked.contains(&own),
        (None, None) => below(&own.name, &asked.name) || below(&asked.name, &own.name),
        _ => false,
    }
}

/// Returns whether a name is another or stands below it.
fn below(name: &str, upper: &str) -> bool {
    !upper.is_empty()
        && name.strip_suffix(upper).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::desks;

    #[tokio::test]
    async fn what_is_registered_is_known_in_any_width() {
        for desk in desks().await {
            let snapshot = desk.registry.directory.snapshot();
            let portal = snapshot.systems().find(|system| system.code == "DVC").unwrap().clone();
            let (domain, network) = (portal.domains[0].clone(), portal.ip_ranges[0]);
            let hosts = [
                domain.to_uppercase(),
                format!("a.{domain}"),
                domain.split_once('.').unwrap().1.to_owned(),
                network.addr().to_string(),
                network.supernet().unwrap_or(network).to_string(),
                format!("khac{}", domain.split_once('.').unwrap().1),
                "evil.example".to_owned(),
                "198.51.100.7".to_owned(),
            ];
            let found = owned(&desk.registry.db, &snapshot, &hosts).await.unwrap();
            let known: Vec<bool> = found.iter().map(Option::is_some).collect();
            assert_eq!(known, [true, true, true, true, true, false, false, false], "{found:?}");
        }
    }
}
