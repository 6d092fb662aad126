//! Sentences about users.

use proptest::prelude::*;

use super::*;
use crate::model::Value;
use crate::scim::json::attributes_to_text;
use crate::scim::samples::user_attributes;

fn read(text: &str) -> String {
    let user = read_user(text).unwrap_or_else(|fault| panic!("{fault}"));
    let anchor = user.anchor.map(|anchor| anchor.to_string()).unwrap_or_default();
    format!("{anchor} {}", attributes_to_text(&user.attributes))
}

fn refused(text: &str) -> String {
    let fault = read_user(text).expect_err(text);
    format!("{}: {fault}", fault.kind.word())
}

#[test]
fn the_anchor_is_taken_out_and_what_a_source_cannot_say_is_dropped() {
    let text = r#"{"schemas": ["a"], "externalId": "7", "id": "x", "meta": {"a": [1]}, "password": "p", "title": "T"}"#;
    assert_eq!(read(text), r#"7 {"title":"T"}"#);
}

#[test]
fn names_are_taken_whatever_their_case() {
    assert_eq!(
        read(r#"{"USERNAME": "a", "Name": {"GIVENNAME": "b"}}"#),
        r#" {"name":{"givenName":"b"},"userName":"a"}"#
    );
}

#[test]
fn null_and_empty_are_kept_because_they_say_something() {
    assert_eq!(
        read(r#"{"title": null, "nickName": "", "active": "", "emails": [], "name": {"givenName": null}}"#),
        r#" {"active":null,"emails":[],"name":{"givenName":null},"nickName":"","title":null}"#
    );
}

#[test]
fn shapes_that_entras_clients_send_are_taken() {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    assert_eq!(read(r#"{"active": "True"}"#), r#" {"active":true}"#);
    assert_eq!(
        read(&format!(r#"{{"{}": {{"manager": "89607"}}}}"#, enterprise.to_lowercase())),
        format!(r#" {{"{enterprise}":{{"manager":{{"value":"89607"}}}}}}"#)
    );
    assert_eq!(
        read(&format!(
            r#"{{"{enterprise}": {{"manager": {{"value": "1", "$ref": "../Users/1", "displayName": "A"}}}}}}"#
        )),
        format!(r#" {{"{enterprise}":{{"manager":{{"$ref":"../Users/1","displayName":"A","value":"1"}}}}}}"#)
    );
}

#[test]
fn custom_values_are_taken_as_they_are_written() {
    let text =
        r#"{"urn:a:b": {"F": 0.80, "N": -3, "Big": 18446744073709551616, "E": 1e3, "L": [1, "x"], "C": {"d": true}}}"#;
    assert_eq!(
        read(text),
        r#" {"urn:a:b":{"Big":"18446744073709551616","C":{"d":true},"E":"1e3","F":"0.80","L":[1,"x"],"N":-3}}"#
    );
}

#[test]
fn a_wrong_type_is_refused_with_its_path() {
    for (text, said) in [
        (r#"{"active": "yes"}"#, "type: active: expected true or false, found a text"),
        (r#"{"name": "x"}"#, "type: name: expected an object, found a text"),
        (
            r#"{"emails": {}}"#,
            "type: emails: expected a list, found an object; put it in square brackets, even if it is the only one",
        ),
        (
            r#"{"emails": [{"value": "a"}, {"value": true}]}"#,
            "type: emails[1].value: expected a text, found true or false",
        ),
        (r#"{"title": ["a"]}"#, "type: title: expected a text, found a list"),
        (r#"{"title": 7}"#, "type: title: expected a text, found a number; put it in double quotes"),
        (r#"{"externalId": 701984}"#, "anchor: externalId: expected a text, found a number; put it in double quotes"),
        (r#"{"externalId": " 7"}"#, "anchor: externalId: the anchor has white space at its edges"),
        (
            r#"{"urn:a:b": "x"}"#,
            "type: urn:a:b: expected an object: custom attributes stand inside one, under the URN of their schema",
        ),
        (
            r#"{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": {}}}"#,
            "type: urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department: expected a text, found an object",
        ),
        (r#"[]"#, "type: data: expected an object of attributes, found a list"),
        (r#""x""#, "type: data: expected an object of attributes, found a text"),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
}

#[test]
fn an_unknown_attribute_is_refused_with_the_one_that_was_meant() {
    for (text, said) in [
        (r#"{"usrName": "x"}"#, "attribute: usrName: there is no such attribute; did you mean `userName`?"),
        (
            r#"{"name": {"givnName": "x"}}"#,
            "attribute: name.givnName: there is no such attribute; did you mean `name.givenName`?",
        ),
        (
            r#"{"shoeSize": 43}"#,
            "attribute: shoeSize: there is no such attribute; custom attributes stand in an object under their URN",
        ),
        (r#"{"urn:a:b": {"no blanks": 1}}"#, "attribute: urn:a:b:no blanks: ` ` cannot stand in an attribute path"),
        (
            r#"{"urn:a:b": {"no.dots": 1}}"#,
            "attribute: urn:a:b:no.dots: no path can name this attribute: its name has neither `.` nor `:`, and its URN is not that of a known schema with more behind it",
        ),
    ] {
        assert_eq!(refused(text), said, "{text}");
    }
}

#[test]
fn depth_is_bounded_everywhere() {
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read_user(&format!(r#"{{"urn:a:b": {{"c": {}}}}}"#, deep(6))).is_ok());
    assert!(refused(&format!(r#"{{"urn:a:b": {{"c": {}}}}}"#, deep(7))).contains("nested deeper than 8 levels"));
    assert!(refused(&format!(r#"{{"urn:a:b": {{"c": {}}}}}"#, deep(100_000))).contains("nested deeper than 8 levels"));
    assert!(refused(&format!(r#"{{"title": {}}}"#, deep(100_000))).contains("expected a text, found a list"));
}

proptest! {
    #[test]
    fn a_user_comes_back_as_it_went(attributes in user_attributes()) {
        let anchor = Anchor::parse("7 \"x\"").expect("is one");
        let tree = user_to_json(&attributes, Some(&anchor));
        let mut text = String::new();
        push_user(&mut text, &attributes, Some(&anchor));
        prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("is JSON"), tree);
        prop_assert_eq!(read_user(&text), Ok(User { anchor: Some(anchor), attributes }));
    }

    #[test]
    fn reading_any_object_ends(attributes in crate::scim::samples::any_attributes()) {
        let _ = read_user(&attributes_to_text(&attributes));
    }
}

#[test]
fn a_user_without_attributes_prints() {
    let mut text = String::new();
    push_user(&mut text, &Attributes::new(), None);
    assert_eq!(text, r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#);
    assert_eq!(read_user(&text).map(|user| user.attributes.get("schemas").cloned()), Ok(None::<Value>));
}
