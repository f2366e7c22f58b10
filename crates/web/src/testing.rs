//! What page tests use: readers of each kind, and one check for everything every page must be.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;
use event::{AccountId, AgencyId, Scope};

use crate::reader::{Reader, Theme};
use crate::{By, Face, Lang, Rights, Role, Who};

/// Returns someone with this role who sees the province (an agency officer: an empty tree; use
/// [`officer_of`]).
pub fn who(role: Role) -> Who {
    let account = AccountId::from_uuid(uuid::Uuid::from_u128(1));
    let scope = if role.sees_province() {
        Scope::province(account)
    } else {
        Scope::agencies(account, BTreeSet::new())
    };
    Who {
        account,
        name: "Nguyễn Thị Thanh Hằng".to_owned(),
        role,
        agency: None,
        scope,
        lang: Lang::Vi,
        by: By::Session { second_factor: true },
        rights: Rights::Whole,
        address: None,
        acting_for: None,
    }
}

/// Returns an officer who sees these agencies only.
pub fn officer_of(agencies: impl IntoIterator<Item = AgencyId>) -> Who {
    let mut who = who(Role::AgencyOfficer);
    let agencies: BTreeSet<AgencyId> = agencies.into_iter().collect();
    who.agency = agencies.first().copied();
    who.scope = Scope::agencies(who.account, agencies);
    who
}

/// Returns a reader with this role and language, at 14:05 on 22/11/2026 (UTC+7).
pub fn reader(role: Role, lang: Lang) -> Reader {
    Reader {
        lang,
        theme: Theme::Auto,
        csrf: "test-token".to_owned(),
        now: DateTime::from_timestamp(1_795_331_100, 0).unwrap_or_default(),
        who: Some(Arc::new(who(role))),
    }
}

/// Renders a page in both languages and as JSON and returns what is wrong with it, one line each;
/// empty when all is well. `assert_eq!(web::testing::faults(&page), Vec::<String>::new())`.
///
/// Checks: elements closed in order, one `<h1>`, no missing text, a label for each input, no inline
/// script, style or handler, the token in each changing form, no asset that does not exist.
pub fn faults(page: &dyn Face) -> Vec<String> {
    let mut faults = Vec::new();
    for lang in Lang::ALL {
        match page.html(&reader(Role::Administrator, lang)) {
            Ok(html) => faults.extend(
                html_faults(&html, true)
                    .into_iter()
                    .map(|fault| format!("{}: {fault}", lang.code())),
            ),
            Err(error) => faults.push(format!("{}: does not render: {error}", lang.code())),
        }
    }
    match page.json() {
        Ok(json) => {
            if serde_json::from_slice::<serde_json::Value>(&json).is_err() {
                faults.push("JSON: not readable again".to_owned());
            }
        }
        Err(error) => faults.push(format!("JSON: {error}")),
    }
    faults
}

/// Returns a page as an administrator reads it in Vietnamese; nothing if it does not render.
pub fn shown(page: &dyn Face) -> String {
    page.html(&reader(Role::Administrator, Lang::Vi)).unwrap_or_default()
}

/// Elements that have no end.
const VOID: [&str; 10] =
    ["area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"];

/// Returns what is wrong with a piece of HTML; `page` asks for exactly one `<h1>`.
pub fn html_faults(html: &str, page: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut check = Check::default();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, following)) = after.split_once('>') else {
            faults.push("a tag without an end".to_owned());
            break;
        };
        rest = following;
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            if last.as_deref() != Some(name.trim()) {
                faults.push(format!("</{name}> closes <{}>", last.unwrap_or_default()));
                break;
            }
            continue;
        }
        let name: String =
            tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        check.element(&name, tag, &open, &mut faults);
        if name == "script" {
            if let Some((inside, after)) = rest.split_once("</script>") {
                Check::script(tag, inside, &mut faults);
                rest = after;
            }
            continue;
        }
        if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    if let Some(name) = open.last() {
        faults.push(format!("<{name}> is not closed"));
    }
    check.finish(html, page, &mut faults);
    faults
}

/// What is gathered while walking through the elements.
#[derive(Debug, Default)]
struct Check {
    headings: usize,
    ids: BTreeSet<String>,
    labelled: BTreeSet<String>,
    inputs: Vec<String>,
}

impl Check {
    fn element(&mut self, name: &str, tag: &str, open: &[String], faults: &mut Vec<String>) {
        if let Some(id) = attribute(tag, "id")
            && !self.ids.insert(id.to_owned())
        {
            faults.push(format!("id {id} stands twice"));
        }
        if tag.contains(" style=")
            || tag.contains(" onclick=")
            || tag.contains(" onchange=")
            || name == "style"
        {
            faults.push(format!("inline style or handler: <{tag}>"));
        }
        match name {
            "h1" => self.headings += 1,
            "label" => {
                if let Some(id) = attribute(tag, "for") {
                    self.labelled.insert(id.to_owned());
                }
            }
            "input" | "select" | "textarea" => {
                let silent = matches!(attribute(tag, "type"), Some("hidden" | "submit" | "button"));
                let named = tag.contains("aria-label") || open.iter().any(|name| name == "label");
                if !silent && !named {
                    self.inputs.push(attribute(tag, "id").unwrap_or_default().to_owned());
                }
            }
            "img" if attribute(tag, "alt").is_none() => faults.push(format!("no alt: <{tag}>")),
            _ => {}
        }
    }

    fn script(tag: &str, inside: &str, faults: &mut Vec<String>) {
        let data = attribute(tag, "type").is_some_and(|kind| kind == "application/json");
        if !data && !inside.trim().is_empty() {
            faults.push("inline script".to_owned());
        }
    }

    fn finish(self, html: &str, page: bool, faults: &mut Vec<String>) {
        if page && self.headings != 1 {
            faults.push(format!("{} <h1>, not one", self.headings));
        }
        for id in self.inputs {
            if !self.labelled.contains(&id) {
                faults.push(format!("an input without a label: {id:?}"));
            }
        }
        for part in html.split('⟦').skip(1) {
            let key = part.split('⟧').next().unwrap_or_default();
            faults.push(format!("text is missing: {key}"));
        }
        for part in html.split("/static/missing/").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            faults.push(format!("asset is missing: {name}"));
        }
        for part in html.split(".svg#").skip(1) {
            let name = part.split('"').next().unwrap_or_default();
            if !crate::assets::has_icon(name) {
                faults.push(format!("icon {name} is not in the sprite: run `cargo xtask assets`"));
            }
        }
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            if form.to_ascii_lowercase().contains("method=\"post\"")
                && !form.contains("name=\"_csrf\"")
            {
                faults.push("a changing form without {{ \"\"|csrf }}".to_owned());
            }
        }
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mark = format!(" {name}=\"");
    tag.split_once(&mark).and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_found() {
        let cases = [
            ("<h1>a</h1><p>b</p>", true, 0),
            ("<p>b</p>", true, 1),
            ("<h1>a</h1><p><b>x</p></b>", true, 2),
            ("<input id=\"a\"><label for=\"a\">x</label>", false, 0),
            ("<input id=\"a\">", false, 1),
            ("<label>x <select><option>1</option></select></label>", false, 0),
            ("<p style=\"x\">a</p>", false, 1),
            ("<form method=\"post\"></form>", false, 1),
            ("<script>alert(1)</script>", false, 1),
            ("<script type=\"application/json\">{\"a\":\"<b>\"}</script>", false, 0),
            ("<p>⟦alert-x⟧</p>", false, 1),
            ("<br><hr/><img src=\"x\" alt=\"\">", false, 0),
        ];
        for (html, page, count) in cases {
            assert_eq!(
                html_faults(html, page).len(),
                count,
                "{html}: {:?}",
                html_faults(html, page)
            );
        }
    }
}
