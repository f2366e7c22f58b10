//! `[alias]`: other names for fields, so that rules which spell a field otherwise (`operationName`,
//! `OperationName`) find it too. Only adds fields; what the source wrote is never changed.

use event::{Fields, Name, Value};

/// Other names, each with the fields it may be copied from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aliases(Vec<(Name, Vec<Own>)>);

/// Where an alias takes its value from.
#[derive(Debug, Clone)]
enum Own {
    /// The field of this name.
    Field(String),
    /// All values of the fields below this dotted prefix, as one list: a rule that searches a whole
    /// object (`requestParameters|contains`) searches these.
    Below(String),
    /// The members of the field of this name, joined by blanks: arguments become a command line.
    Joined(String),
    /// Two fields joined by a slash: a folder and a file's name.
    Path(String, String),
}

impl Aliases {
    /// Returns the aliases as the file lists them: `name.*` stands for all fields below `name.`,
    /// `name[]` for its members joined by blanks, `folder/name` for two fields joined by a slash.
    pub(super) fn new(all: Vec<(Name, Vec<String>)>) -> Self {
        let own = |name: String| {
            if let Some(prefix) = name.strip_suffix('*') {
                Own::Below(prefix.to_owned())
            } else if let Some(list) = name.strip_suffix("[]") {
                Own::Joined(list.to_owned())
            } else if let Some((first, second)) = name.split_once('/') {
                Own::Path(first.to_owned(), second.to_owned())
            } else {
                Own::Field(name)
            }
        };
        let all = all.into_iter().map(|(name, sources)| {
            let sources = sources.into_iter().map(own).collect();
            (name, sources)
        });
        Self(all.collect())
    }

    /// Adds each alias that is not there yet, from the first of its fields that is.
    pub(crate) fn add_to(&self, fields: &mut Fields) {
        for (name, sources) in &self.0 {
            if fields.get(name).is_some() {
                continue;
            }
            if let Some(value) = sources.iter().find_map(|own| own.read(fields)) {
                fields.set(name.clone(), value);
            }
        }
    }
}

impl Own {
    fn read(&self, fields: &Fields) -> Option<Value> {
        match self {
            Self::Field(name) => fields.get(name).cloned(),
            Self::Joined(name) => {
                let members: Vec<_> = fields.get(name)?.members().iter().map(Value::text).collect();
                Some(Value::Text(members.join(" ")))
            }
            Self::Path(folder, file) => {
                let (folder, file) = (fields.get(folder)?.text(), fields.get(file)?.text());
                Some(Value::Text(format!("{}/{file}", folder.trim_end_matches('/'))))
            }
            Self::Below(prefix) => {
                let below = fields.iter().filter(|(name, _)| name.starts_with(prefix.as_str()));
                let members: Vec<Value> =
                    below.flat_map(|(_, value)| value.members().iter().cloned()).collect();
                (!members.is_empty()).then_some(Value::List(members))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_is_added_where_the_name_is_free() {
        let aliases = Aliases::new(vec![
            ("Op".into(), vec!["op".to_owned(), "operation".to_owned()]),
            ("taken".into(), vec!["op".to_owned()]),
            ("all".into(), vec!["deep.*".to_owned()]),
            ("line".into(), vec!["deep.b[]".to_owned()]),
            ("path".into(), vec!["taken/operation".to_owned()]),
            ("none".into(), vec!["absent".to_owned(), "absent.*".to_owned()]),
        ]);
        let mut fields: Fields = [
            ("operation", Value::from("write")),
            ("taken", Value::from("own")),
            ("deep.a", Value::Int(1)),
            ("deep.b", Value::List(vec!["x".into(), "y".into()])),
        ]
        .into_iter()
        .collect();
        aliases.add_to(&mut fields);
        assert_eq!(fields.get("Op"), Some(&"write".into()));
        assert_eq!(fields.get("taken"), Some(&"own".into()));
        let all = Value::List(vec![Value::Int(1), "x".into(), "y".into()]);
        assert_eq!(fields.get("all"), Some(&all));
        assert_eq!(fields.get("line"), Some(&"x y".into()));
        assert_eq!(fields.get("path"), Some(&"own/write".into()));
        assert_eq!(fields.get("none"), None);
    }
}
