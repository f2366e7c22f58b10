//! Flat shapes that keep the event's data together: as an object (`EventData.Image`, Log Analytics'
//! table `WindowsEvent`), as a text of JSON (`EvtxECmd`'s `Payload`), or as a text of XML (Log Analytics'
//! table Event).

use event::{Fields, Value};
use serde_json::Value as Json;

use super::{names, rename};
use crate::limits::FIELDS_MAX;
use crate::structured::xml;

/// Fields that hold the data as one text.
pub(crate) const TEXTS: &[&str] = &["Payload", "EventData", "UserData", "ParameterXml"];

/// Gives each value of the event's data its own name.
pub(super) fn unpack(fields: &mut Fields) {
    for name in TEXTS.iter().copied() {
        let Some(Value::Text(text)) = fields.get(name) else { continue };
        let data = match text.as_bytes().first() {
            Some(b'{') if name != "Payload" => json_data(text, true),
            Some(b'{') if text.starts_with("{\"") => json_data(text, false),
            Some(b'<') => xml_data(text),
            _ => None,
        };
        let Some(data) = data else { continue };
        rename(fields, |own| (own != name).then(|| own.to_owned()));
        for (name, value) in data.iter() {
            if fields.get(name).is_none() {
                fields.push(name.to_owned(), value.clone());
            }
        }
        return;
    }
    let is_object = |name: &str| name.starts_with("EventData.") || name.starts_with("UserData.");
    if fields.iter().any(|(name, _)| is_object(name)) {
        rename(fields, |name| match name.split_once('.') {
            Some(("EventData" | "UserData", _)) => names::below_event(name),
            _ => Some(name.to_owned()),
        });
    }
}

/// `{"EventData":{"Data":[{"@Name":"Image","#text":"…"},…]}}`, or an object of names and values. Only
/// what looks like event data is taken apart: PowerShell's `Payload` may be JSON of anybody's making.
fn json_data(text: &str, may_be_bare: bool) -> Option<Fields> {
    let whole: Json = serde_json::from_str(text).ok()?;
    let data = match whole.as_object()?.iter().next()? {
        (key, inner) if key == "EventData" || key == "UserData" => inner,
        _ if may_be_bare => &whole,
        _ => return None,
    };
    let mut fields = Fields::new();
    for (name, value) in data.as_object()?.iter().take(FIELDS_MAX) {
        match value {
            Json::Array(members) if name == "Data" => {
                for member in members.iter().take(FIELDS_MAX) {
                    add_member(&mut fields, member);
                }
            }
            Json::Object(_) if name == "Data" => add_member(&mut fields, value),
            Json::Object(inner) => {
                for (name, value) in inner.iter().take(FIELDS_MAX) {
                    add(&mut fields, name, value);
                }
            }
            _ => add(&mut fields, name, value),
        }
    }
    (!fields.is_empty()).then_some(fields)
}

fn add_member(fields: &mut Fields, member: &Json) {
    match member.get("@Name").or_else(|| member.get("Name")).and_then(Json::as_str) {
        // An empty element has a name and no text.
        Some(name) => {
            let text = member.get("#text").or_else(|| member.get("Value"));
            add(fields, name, text.unwrap_or(&Json::String(String::new())));
        }
        None => add(fields, "Data", member.get("#text").unwrap_or(member)),
    }
}

fn add(fields: &mut Fields, name: &str, value: &Json) {
    if name.starts_with(['@', '#']) || (fields.len() >= FIELDS_MAX && fields.get(name).is_none()) {
        return;
    }
    if let Some(name) = names::data_name(name)
        && let Ok(value) = serde_json::from_value::<Value>(value.clone())
    {
        fields.push(name, value);
    }
}

/// `<DataItem …><EventData><Data Name="Image">…</Data></EventData></DataItem>`.
fn xml_data(text: &str) -> Option<Fields> {
    let start = text.find("<EventData").or_else(|| text.find("<UserData"))?;
    let inner = text.get(start..)?;
    let end = ["</EventData>", "</UserData>"]
        .into_iter()
        .filter_map(|tag| inner.rfind(tag)?.checked_add(tag.len()))
        .max()?;
    let (fields, _) = xml::windows_event(&format!("<Event>{}</Event>", inner.get(..end)?)).ok()?;
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_taken_apart_and_other_text_left_alone() {
        let image = Some(&Value::from(r"C:\x.exe"));
        for (name, text) in [
            (
                "Payload",
                r##"{"EventData":{"Data":[{"@Name":"User"},{"@Name":"Image","#text":"C:\\x.exe"}]}}"##,
            ),
            ("Payload", r##"{"EventData":{"Data":{"@Name":"Image","#text":"C:\\x.exe"}}}"##),
            ("Payload", r##"{"UserData":{"Wrapper":{"Image":"C:\\x.exe"}}}"##),
            ("EventData", r##"{"Image":"C:\\x.exe"}"##),
            (
                "EventData",
                r##"<DataItem><EventData xmlns="x"><Data Name="Image">C:\x.exe</Data></EventData></DataItem>"##,
            ),
        ] {
            let mut fields: Fields = [(name, text)].into_iter().collect();
            unpack(&mut fields);
            assert_eq!(fields.get("Image"), image, "{text}");
            assert_eq!(fields.get(name), None, "{text}");
        }
        for text in [
            r#"{"Image":"C:/x.exe"}"#,
            "Write-Host 1",
            "{not json",
            "<b>",
            "{}",
            "[1]",
            "<EventData>",
        ] {
            let mut fields: Fields = [("Payload", text)].into_iter().collect();
            let before = fields.clone();
            unpack(&mut fields);
            assert_eq!(fields, before);
        }
        let mut fields: Fields = [("EventData.Image", "x"), ("Image.y", "z")].into_iter().collect();
        unpack(&mut fields);
        assert_eq!(fields, [("Image", "x"), ("Image.y", "z")].into_iter().collect());
    }
}
