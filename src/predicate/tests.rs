//! Sentences about predicates that no notation has to itself.

use crate::model::Value;
use crate::sample::{filter, person};

#[test]
fn every_condition_says_what_it_saw() {
    let anna = person(&[
        ("userType", Value::text("Intern")),
        ("emails", Value::Many(vec![Value::text("a@x.example"), Value::text("b@x.example")])),
    ]);
    let asked = filter(r#"userType eq "Employee" and not (title pr or emails.value ew "@x.example")"#);
    let shown: Vec<_> = asked
        .conditions(&anna.attributes)
        .into_iter()
        .map(|condition| {
            let speaks = condition.speaks();
            (condition.words, condition.path.to_string(), condition.saw.len(), condition.holds, speaks)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (r#"userType eq "Employee""#.to_owned(), "userType".to_owned(), 1, false, false),
            ("title pr".to_owned(), "title".to_owned(), 0, false, true),
            (r#"emails.value ew "@x.example""#.to_owned(), "emails.value".to_owned(), 2, true, false),
        ]
    );
}
