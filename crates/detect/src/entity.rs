//! What a finding is about: alerts group by it.

use event::{Attr, Class, Entity, EntityKind, Event};

use crate::taxonomy;

/// Returns what a finding on one event is about.
///
/// On the network, in web, DNS and mail logs, and for sign-ins, the remote address is what people
/// act on; elsewhere the account; then the machine; and when the event names none of these, the log
/// source it came from.
pub(crate) fn of_event(event: &Event) -> Entity {
    let text = |attr: Attr, kind: EntityKind| {
        let value = event.attrs.get(attr)?;
        let first = value.members().first()?.text();
        let said = !matches!(first.as_ref(), "" | "-" | "::" | "0.0.0.0");
        said.then(|| Entity { kind, value: first.into_owned() })
    };
    let address = || text(Attr::SrcIp, EntityKind::SrcIp);
    let user = || text(Attr::User, EntityKind::User);
    let target = || text(Attr::TargetUser, EntityKind::User);
    let host =
        || text(Attr::Host, EntityKind::Host).or_else(|| text(Attr::HostIp, EntityKind::Host));
    let found = if is_remote(event.class) {
        address().or_else(user).or_else(target).or_else(host)
    } else {
        user().or_else(host).or_else(address)
    };
    found.unwrap_or_else(|| source(event))
}

/// Returns whether events of this class are told by the remote address first.
const fn is_remote(class: Class) -> bool {
    matches!(
        class,
        Class::NetworkActivity
            | Class::HttpActivity
            | Class::DnsActivity
            | Class::RdpActivity
            | Class::SmbActivity
            | Class::SshActivity
            | Class::EmailActivity
            | Class::Authentication
            | Class::DetectionFinding
    )
}

/// Returns what a correlation's finding is about: the first of its group values that is an address,
/// an account or a machine, else what its completing event is about.
pub(crate) fn of_group(group: &[(String, String)], event: &Event) -> Entity {
    group
        .iter()
        .find_map(|(field, value)| {
            let kind = kind_of(field, value)?;
            Some(Entity { kind, value: value.clone() })
        })
        .unwrap_or_else(|| of_event(event))
}

fn kind_of(field: &str, value: &str) -> Option<EntityKind> {
    match taxonomy::attr_of(field) {
        Some(Attr::SrcIp | Attr::SrcHost) => Some(EntityKind::SrcIp),
        Some(Attr::User | Attr::TargetUser) => Some(EntityKind::User),
        Some(Attr::Host | Attr::HostIp) => Some(EntityKind::Host),
        Some(_) => None,
        None => value.parse::<std::net::IpAddr>().is_ok().then_some(EntityKind::SrcIp),
    }
}

/// Returns the log source as the thing a finding is about.
pub(crate) fn source(event: &Event) -> Entity {
    Entity { kind: EntityKind::Source, value: event.origin.source.to_string() }
}
