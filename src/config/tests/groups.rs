use super::{problems, task};

fn limits(text: &str) -> String {
    format!("[limits.per_group]\n{text}\n{}", task(""))
}

#[test]
fn groups_have_a_number_or_a_table_of_limits() {
    let text =
        limits("a = 2\nb = { rate = \"30/min\" }\nc = { max = 1, rate = \"5/s\", burst = 9 }");
    let plan = super::parse(&text).unwrap();
    let groups = plan.settings.per_group();
    assert_eq!((groups["a"].max, groups["a"].rate), (Some(2), None));
    assert_eq!(groups["b"].max, None);
    assert_eq!(groups["c"].max, Some(1));
    let rate = groups["c"].rate.unwrap();
    assert_eq!((rate.starts(), rate.per_ms(), rate.burst()), (5, 1_000, 9));
    let shown = plan.settings.entries();
    let shown = shown.iter().find(|entry| entry.key == "limits.per_group");
    assert_eq!(
        shown.unwrap().value,
        r#"{"a":2,"b":{"rate":"30/min"},"c":{"burst":9,"max":1,"rate":"5/s"}}"#
    );
}

#[test]
fn wrong_limits_of_groups_are_told_where_they_stand() {
    for (text, expected) in [
        (
            "a = {}",
            "2:5: the group has no limit (such as { max = 2, rate = \"30/min\" })",
        ),
        ("a = { burst = 2, max = 1 }", "2:15: `burst` needs `rate`"),
        (
            "a = { rate = \"fast\" }",
            "2:14: `fast` is not a rate (write \"30/min\"",
        ),
        (
            "a = { rate = 30 }",
            "2:14: expected a string, found integer",
        ),
        (
            "a = { rate = \"1/s\", burst = 0 }",
            "2:29: a burst is from 1 to 1000",
        ),
        (
            "a = { rat = \"1/s\", max = 1 }",
            "2:7: unknown key `rat` (did you mean `rate`?)",
        ),
        (
            "a = \"30/min\"",
            "2:5: expected a number of sessions, or a table",
        ),
        ("a = -1", "2:5: expected a whole number from 0"),
    ] {
        let found = problems(&limits(text));
        assert_eq!(found.len(), 1, "{text}\n{found:?}");
        assert!(found[0].starts_with(expected), "{}\n{expected}", found[0]);
    }
}
