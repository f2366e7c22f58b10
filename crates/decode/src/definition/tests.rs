//! A bad `source.toml` says which key and line.

use super::{SourceDefinition, SourceText};

const GOOD: &str = r#"
id = "acme_gate"
title_vi = "Tường lửa"
title_en = "Firewall"
format = "key_value"
class = "network_activity"
[map]
srcip = "src_ip"
"#;

#[test]
fn a_good_definition_is_read() {
    let read = SourceDefinition::from_text(SourceText { folder: "acme_gate", definition: GOOD });
    assert_eq!(read.unwrap().title_vi, "Tường lửa");
}

#[test]
fn a_bad_definition_says_where() {
    let cases = [
        (
            "acme_gate\"",
            "other\"",
            "sources/acme_gate/source.toml:2: id: `other` must be the folder's name, `acme_gate`",
        ),
        (
            "network_activity",
            "network",
            "sources/acme_gate/source.toml:6: class: `network` is no known class",
        ),
        (
            "\"src_ip\"",
            "\"source\"",
            "sources/acme_gate/source.toml:8: map.srcip: `source` is no known attribute",
        ),
        ("format =", "fromat =", "sources/acme_gate/source.toml:5: unknown field `fromat`"),
        (
            "key_value",
            "delimited",
            "sources/acme_gate/source.toml: delimited: format `delimited` needs",
        ),
        ("[map]", "[map", "sources/acme_gate/source.toml:7: "),
    ];
    for (from, to, expected) in cases {
        let definition = GOOD.replacen(from, to, 1);
        let error = SourceDefinition::from_text(SourceText {
            folder: "acme_gate",
            definition: &definition,
        })
        .unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
