//! Shapes that senders write, shapes that attackers write, and JSON in general against `serde_json`.

use proptest::prelude::*;

use super::*;

fn check(json: &str, expected: &[(&str, Value)]) {
    let (fields, notes) = flatten(json.as_bytes()).unwrap();
    let got: Vec<_> = fields.iter().map(|(name, value)| (name, value.clone())).collect();
    assert_eq!(got, expected, "{json}");
    assert_eq!(notes, [], "{json}");
}

fn list(members: &[&str]) -> Value {
    Value::List(members.iter().copied().map(Value::from).collect())
}

fn note_codes(json: &[u8]) -> Vec<String> {
    flatten(json).unwrap().1.into_iter().map(|note| note.code.into_owned()).collect()
}

#[test]
fn objects_become_dotted_names() {
    check(r#"{"a":{"b":{"c":"x"}},"d":1}"#, &[("a.b.c", "x".into()), ("d", 1.into())]);
    check(r#"{"a.b":1}"#, &[("a.b", 1.into())]);
    check("{}", &[]);
    check(r#"{"":{"":1}}"#, &[(".", 1.into())]);
    check("\u{feff} {\"a\":true}\r\n", &[("a", Value::Bool(true))]);
}

#[test]
fn arrays_become_lists() {
    check(r#"{"a":["x","y"]}"#, &[("a", list(&["x", "y"]))]);
    check(r#"{"a":["x"]}"#, &[("a", list(&["x"]))]);
    check(
        r#"{"a":[{"b":"x","c":"1"},{"b":"y"}]}"#,
        &[("a.b", list(&["x", "y"])), ("a.c", list(&["1"]))],
    );
    check(r#"{"a":[["x"],["y"]]}"#, &[("a", list(&["x", "y"]))]);
}

#[test]
fn the_only_event_of_a_list_is_read_with_what_stands_beside_the_list() {
    check(
        r#"{"Records":[{"a":{"b":1},"c":"x"}],"c":"y","more":[2]}"#,
        &[("a.b", 1.into()), ("c", "x".into()), ("more", Value::List(vec![2.into()]))],
    );
    check(
        r#"{"kind":"EventList","metadata":{},"items":[{"kind":"Event","verb":"get"}]}"#,
        &[("kind", "Event".into()), ("verb", "get".into())],
    );
    check(
        r#"{"Records":[{"a":1},{"a":2}]}"#,
        &[("Records.a", Value::List(vec![1.into(), 2.into()]))],
    );
    for broken in [r#"{"Records":[{"a":x}],"b":1}"#, r#"{"Records":[{"a":1}],"b":x}"#] {
        assert_eq!(flatten(broken.as_bytes()).unwrap_err().code, "bad-json", "{broken}");
    }
}

#[test]
fn emptiness_is_kept() {
    for empty in ["null", "[]", "{}", "[ ]", "{ }"] {
        check(&format!(r#"{{"a":{empty}}}"#), &[("a", Value::Null)]);
    }
}

#[test]
fn a_name_given_twice_hides_nothing() {
    check(r#"{"user":"root","user":"guest"}"#, &[("user", list(&["root", "guest"]))]);
    check(r#"{"a":{"b":"x"},"a":{"b":"y"}}"#, &[("a.b", list(&["x", "y"]))]);
}

#[test]
fn numbers_keep_their_digits() {
    check(
        r#"{"a":-9223372036854775808,"b":9223372036854775808,"c":1.5,"d":1e999,"e":-0}"#,
        &[
            ("a", Value::Int(i64::MIN)),
            ("b", "9223372036854775808".into()),
            ("c", Value::Float(1.5)),
            ("d", "1e999".into()),
            ("e", Value::Int(0)),
        ],
    );
}

#[test]
fn texts_are_read_even_when_no_good_json() {
    check(r#"{"a":"\u0110\ud83d\ude00\n\/"}"#, &[("a", "Đ😀\n/".into())]);
    check(r#"{"a":"\ud83dx"}"#, &[("a", "\u{FFFD}x".into())]);
    check(r#"{"a":"\ud83d\u0041"}"#, &[("a", "\u{FFFD}A".into())]);
    check("{\"a\":\"x\ty\"}", &[("a", "x\ty".into())]);
    let (fields, notes) = flatten(b"{\"a\":\"x\xFFy\"}").unwrap();
    assert_eq!(fields.get("a"), Some(&"x\\xffy".into()));
    assert_eq!(notes[0].code, "invalid-utf8");
    for (json, text) in [
        (r#"{"a":"C:\Windows\x"}"#, r"C:\Windows\x"),
        (r#"{"a":"\u12"}"#, r"\u12"),
        (r#"{"a":"\ud83d\u12"}"#, "\u{FFFD}\\u12"),
    ] {
        let (fields, notes) = flatten(json.as_bytes()).unwrap();
        assert_eq!(fields.get("a"), Some(&text.into()), "{json}");
        assert_eq!(notes[0].code, "bad-escape");
    }
}

#[test]
fn faults_name_their_place() {
    for (json, place) in [
        ("", "line 1, column 1:"),
        ("[]", "line 1, column 1:"),
        ("\"x\"", "line 1, column 1:"),
        ("{\"a\":1}x", "line 1, column 8:"),
        ("{\"a\":1} {\"a\":2}", "line 1, column 9:"),
        ("{\n\"a\" 1}", "line 2, column 5:"),
        ("{\"a\":01}", "line 1, column 6:"),
        ("{\"a\":1,}", "line 1, column 8:"),
        ("{\"a\":nul}", "line 1, column 6:"),
        ("{\"a\":NaN}", "line 1, column 6:"),
        ("{\"a\":\"x", "line 1, column 6:"),
        ("{\"a\":[1 2]}", "line 1, column 9:"),
    ] {
        let reason = flatten(json.as_bytes()).unwrap_err();
        assert_eq!(reason.code, "bad-json");
        assert!(reason.detail.starts_with(place), "{json}: {}", reason.detail);
    }
}

#[test]
fn what_lies_too_deep_is_kept_as_text() {
    let json = format!("{}[1,\"]\"]{}", r#"{"a":"#.repeat(40), "}".repeat(40));
    let (fields, notes) = flatten(json.as_bytes()).unwrap();
    let (name, value) = fields.iter().next().unwrap();
    assert_eq!(name.matches('a').count(), 32);
    let expected = format!("{}[1,\"]\"]{}", r#"{"a":"#.repeat(8), "}".repeat(8));
    assert_eq!(value, &Value::Text(expected));
    assert_eq!(notes[0].code, "too-deep");
}

#[test]
fn depth_bombs_cost_no_stack() {
    let open = "[".repeat(100_000);
    assert_eq!(flatten(open.as_bytes()).unwrap_err().code, "bad-json");
    assert_eq!(flatten(format!("{{\"a\":{open}").as_bytes()).unwrap_err().code, "bad-json");
    let closed = format!("{{\"a\":{open}{}}}", "]".repeat(100_000));
    assert_eq!(note_codes(closed.as_bytes()), ["too-deep"]);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(note_codes(objects.as_bytes()), ["too-deep"]);
}

#[test]
fn names_and_values_are_limited() {
    let many: Vec<_> = (0..FIELDS_MAX + 5).map(|n| format!("\"f{n}\":{n}")).collect();
    let (fields, notes) = flatten(format!("{{{}}}", many.join(",")).as_bytes()).unwrap();
    assert_eq!(fields.len(), FIELDS_MAX);
    assert_eq!(notes[0].code, "extra-fields");
    assert!(notes[0].detail.starts_with("5 "));

    let long = format!("{{\"a\":[{}1]}}", "1,".repeat(JSON_VALUES_MAX + 1));
    let (fields, notes) = flatten(long.as_bytes()).unwrap();
    assert_eq!(fields.get("a").unwrap().members().len(), JSON_VALUES_MAX);
    assert!(notes[0].detail.starts_with("2 "));

    let name = "đ".repeat(JSON_NAME_BYTES_MAX);
    let (fields, notes) = flatten(format!("{{\"{name}\":{{\"b\":1}}}}").as_bytes()).unwrap();
    assert!(fields.iter().next().unwrap().0.len() <= JSON_NAME_BYTES_MAX + JSON_DEPTH_MAX);
    assert_eq!(notes[0].code, "long-name");
}

/// Nested JSON whose leaves are easy to find again.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(40, 64, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map("[a-z\\.]{0,3}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The slow and obvious way: the scalars of a tree, depth first, empties as null.
fn leaves(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(members) if members.is_empty() => found.push("null".to_owned()),
        serde_json::Value::Object(map) if map.is_empty() => found.push("null".to_owned()),
        serde_json::Value::Array(members) => members.iter().for_each(|v| leaves(v, found)),
        serde_json::Value::Object(map) => map.values().for_each(|v| leaves(v, found)),
        one => found.push(one.to_string()),
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        drop(flatten(&bytes));
    }

    #[test]
    fn broken_json_never_panics(text in "\\{[\\[\\]{}\":,a0-9.eE\\\\u -]{0,64}") {
        drop(flatten(text.as_bytes()));
    }

    #[test]
    fn agrees_with_serde_json(value in any_json()) {
        let wrapped = serde_json::json!({ "root": value });
        let text = wrapped.to_string();
        let (fields, notes) = flatten(text.as_bytes()).unwrap();
        if notes.is_empty() {
            let mut expected = Vec::new();
            leaves(&wrapped, &mut expected);
            let mut got: Vec<String> = fields
                .iter()
                .flat_map(|(_, value)| value.members())
                .map(|value| serde_json::to_string(value).unwrap())
                .collect();
            expected.sort();
            got.sort();
            prop_assert_eq!(got, expected);
        }
    }

    #[test]
    fn accepts_what_serde_json_accepts(text in "\\{\"a\":[\\[\\]{}\":,0-9.eE\\- ]{0,12}\\}") {
        if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok() {
            prop_assert!(flatten(text.as_bytes()).is_ok());
        }
    }
}
