use proptest::prelude::*;

use super::super::*;

#[test]
fn ids_of_tools() {
    for sound in ["file.read", "a.b.c", "x_1.y2", "0.0"] {
        assert_eq!(sound.parse::<ToolId>().unwrap().as_str(), sound);
    }
    let long = format!("a.{}", "b".repeat(200));
    for bad in [
        "",
        ".",
        "file",
        "file.",
        ".read",
        "file..read",
        "File.read",
        "file.re-ad",
        "file.read ",
        "fïle.read",
        "file.read\n",
        &long,
    ] {
        assert!(bad.parse::<ToolId>().is_err(), "{bad:?}");
        let json = serde_json::to_string(bad).unwrap();
        assert!(serde_json::from_str::<ToolId>(&json).is_err());
    }
}

#[test]
fn versions_serve_what_they_promised() {
    let version = |text: &str| text.parse::<ToolVersion>().unwrap();
    for (asked, ours, served) in [
        ("1.0.0", "1.0.0", true),
        ("1.0.0", "1.2.0", true),
        ("1.2.0", "1.0.0", false),
        ("1.0.0", "2.0.0", false),
        ("0.1.0", "0.1.3", true),
        ("0.1.0", "0.2.0", false),
    ] {
        let found = version(asked).is_served_by(&version(ours));
        assert_eq!(found, served, "{asked} by {ours}");
    }
    for bad in ["", "1", "1.0", "v1.0.0", "1.0.0 "] {
        assert!(bad.parse::<ToolVersion>().is_err(), "{bad:?}");
    }
}

#[test]
fn capabilities_are_known_by_name() {
    for one in Capability::ALL {
        assert_eq!(one.name().parse::<Capability>().unwrap(), *one);
        // A name has the same form as an id of a tool.
        assert!(one.name().parse::<ToolId>().is_ok());
    }
    let unknown = "file.rm".parse::<Capability>().unwrap_err().to_string();
    assert!(unknown.contains("file.rm") && unknown.contains("git.commit"));
    assert!(serde_json::from_str::<Capabilities>(r#"["file.read", "all"]"#).is_err());
}

#[test]
fn each_profile_has_what_the_one_before_it_has() {
    let all: Vec<_> = Profile::ALL.map(Profile::capabilities).to_vec();
    assert!(
        all.windows(2)
            .all(|two| two[0].is_within(&two[1]) && two[0] != two[1])
    );
    assert_eq!(all[3], Capabilities::all());
    assert!(!all[0].has(Capability::FileWrite) && !all[1].has(Capability::CommandRun));
    let names: Vec<String> = Profile::ALL
        .iter()
        .map(|profile| serde_json::to_string(profile).unwrap())
        .collect();
    let written = Profile::ALL.map(|profile| format!("{:?}", profile.name()));
    assert_eq!(names, written);
}

pub fn any_capabilities() -> impl Strategy<Value = Capabilities> {
    let each = proptest::sample::subsequence(Capability::ALL, 0..=Capability::ALL.len());
    each.prop_map(|all| all.into_iter().collect())
}

proptest! {
    #[test]
    fn common_is_the_intersection(a in any_capabilities(), b in any_capabilities()) {
        let common = a.common(&b);
        prop_assert_eq!(&common, &b.common(&a));
        prop_assert!(common.is_within(&a) && common.is_within(&b));
        for one in Capability::ALL {
            prop_assert_eq!(common.has(*one), a.has(*one) && b.has(*one));
        }
    }
}
