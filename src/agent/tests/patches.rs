use serde_json::json;

use super::yard::Yard;
use crate::model::code::Code;
use crate::model::tool::ErrorKind;

const PATCH: &str = "\
diff --git a/src/main.rs b/src/main.rs
index 123..456 100644
--- a/src/main.rs
+++ b/src/main.rs
@@ -1,99 +1,98 @@ anything
 fn main() {
-    run();
+    start();
+    stop();
 }
--- /dev/null
+++ b/docs/new.md
@@ -0,0 +1,2 @@
+# New
+
--- a/README.md
+++ /dev/null
@@ -1 +0,0 @@
-# Yard
";

#[test]
fn patch() {
    let yard = Yard::new();
    let args = json!({ "patch": PATCH });
    let shown = yard.dry("file.patch", &args);
    assert!(
        shown["diff"]
            .as_str()
            .unwrap()
            .contains("-    run();\n+    start();")
    );
    let done = yard.ok("file.patch", args);
    let kinds: Vec<_> = done["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["change"])
        .collect();
    assert_eq!(kinds, ["changed", "created", "deleted"]);
    assert_eq!(
        yard.read("src/main.rs"),
        "fn main() {\n    start();\n    stop();\n}\n"
    );
    assert_eq!(yard.read("docs/new.md"), "# New\n\n");
    assert!(!yard.tree().join("README.md").exists());
}

#[test]
fn hunks_find_their_places() {
    let yard = Yard::new();
    let lines: String = (1..=40).map(|n| format!("{}\n", n % 10)).collect();
    for (head, expected) in [("@@ -24,2 +24,2 @@", 24), ("@@ -33 +33 @@", 34)] {
        yard.write("f", &lines);
        let patch = format!("--- a/f\n+++ b/f\n{head}\n 3\n-4\n+four\n");
        yard.ok("file.patch", json!({ "patch": patch }));
        let at = yard.read("f").lines().position(|line| line == "four");
        assert_eq!(at, Some(expected - 1), "{head}");
    }
    // Two hunks, the second of them behind the first whatever its head says.
    yard.write("f", "x\ny\nx\ny\n");
    let patch = "--- f\n+++ f\n@@ -1 +1 @@\n-x\n+1\n@@ -1 +1 @@\n-x\n+2\n";
    yard.ok("file.patch", json!({ "patch": patch }));
    assert_eq!(yard.read("f"), "1\ny\n2\ny\n");
    // Without a line break at the end, before and after.
    yard.write("f", "a\nb");
    let patch = "--- f\n+++ f\n@@ -2 +2 @@\n-b\n\\ No newline at end of file\n+c\n";
    yard.ok("file.patch", json!({ "patch": patch }));
    assert_eq!(yard.read("f"), "a\nc\n");
}

#[test]
fn a_hunk_without_a_certain_place_is_refused() {
    let yard = Yard::new();
    for (text, hunk, why) in [
        (
            "a\nb\na\nb\n",
            "@@ @@\n a\n-b\n+c\n",
            "2 times, in lines 1, 3",
        ),
        // As near to the one as to the other.
        (
            "a\nb\na\nb\n",
            "@@ -2 +2 @@\n a\n-b\n+c\n",
            "2 times, in lines 1, 3",
        ),
        ("a\nb\n", "@@ -1,0 +2 @@\n+new\n", "only new lines"),
        ("a\nb", "@@ -2,0 +3 @@\n+c\n", "only new lines"),
        // Nothing but an empty line is no end of any file.
        ("a\nb\n", "@@ -3 +3 @@\n-\n+c\n", "does not fit"),
        ("a\nb\n", "@@ -2,2 +2,2 @@\n b\n-\n+c\n", "does not fit"),
        // A line without a break is the last one.
        (
            "a\nb\n",
            "@@ -1 +1 @@\n-a\n+c\n\\ No newline at end of file\n",
            "does not fit",
        ),
    ] {
        yard.write("f", text);
        let patch = format!("--- a/f\n+++ b/f\n{hunk}");
        let error = yard.refused("file.patch", json!({ "patch": patch }));
        assert_eq!(error.code, Code::EditMismatch, "{hunk}");
        assert!(error.message.contains(why), "{hunk}: {error}");
        assert_eq!(yard.read("f"), text);
    }
    yard.write("f", "");
    let patch = "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+new\n";
    yard.ok("file.patch", json!({ "patch": patch }));
    assert_eq!(yard.read("f"), "new\n");
}

#[test]
fn the_end_of_a_file_stays_as_it_was_unless_the_patch_speaks_of_it() {
    const NONE: &str = "\\ No newline at end of file\n";
    let yard = Yard::new();
    for (text, hunk, expected) in [
        ("a\nb", "@@ -1,2 +1,2 @@\n-a\n+A\n b\n", "A\nb"),
        ("a\nb", "@@ -2 +2 @@\n-b\n+c\n", "a\nc"),
        ("a\nb", "@@ -2 +2,2 @@\n b\n+c\n", "a\nb\nc"),
        ("a\nb", "@@ -2 +1,0 @@\n-b\n", "a"),
        ("a\r\nb", "@@ -2 +2,2 @@\n b\n+c\n", "a\r\nb\r\nc"),
        ("a\nb\n", "@@ -2 +2 @@\n-b\n+c\n", "a\nc\n"),
        ("a\nb\n", &format!("@@ -2 +2 @@\n-b\n+c\n{NONE}"), "a\nc"),
        ("a\nb", &format!("@@ -2 +2 @@\n-b\n{NONE}+c\n"), "a\nc\n"),
        (
            "a\nb",
            &format!("@@ -2 +2 @@\n-b\n{NONE}+c\n{NONE}"),
            "a\nc",
        ),
        ("a\n\n", "@@ -2 +2 @@\n a\n-\n+c\n", "a\nc\n"),
    ] {
        yard.write("f", text);
        let patch = format!("--- a/f\n+++ b/f\n{hunk}");
        yard.ok("file.patch", json!({ "patch": patch }));
        assert_eq!(yard.read("f"), expected, "{hunk}");
    }
}

#[test]
fn empty_lines_stand_between_hunks_and_before_dashes() {
    let yard = Yard::new();
    yard.write("f", "a\nb\nc\nd\n\n-- e\n\n");
    let patch = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+A\n\n@@ -4,3 +4,2 @@\n-d\n+D\n\n--- e\n \n\n\n\
                 diff --git a/g b/g\n--- /dev/null\n+++ b/g\n@@ -0,0 +1 @@\n+g\n";
    yard.ok("file.patch", json!({ "patch": patch }));
    assert_eq!(yard.read("f"), "A\nb\nc\nD\n\n\n");
    assert_eq!(yard.read("g"), "g\n");
}

#[test]
fn a_patch_that_does_not_fit_changes_nothing() {
    let yard = Yard::new();
    let misfit = PATCH.replace("-# Yard", "-# Garden");
    let error = yard.refused("file.patch", json!({ "patch": misfit }));
    assert_eq!(error.code, Code::EditMismatch);
    assert!(
        error
            .message
            .contains("the hunk in line 18 of the patch does not fit README.md"),
        "{error}"
    );
    assert_eq!(yard.read("src/main.rs"), "fn main() {\n    run();\n}\n");
    assert!(!yard.tree().join("docs").exists());
    for (patch, why) in [
        ("", "there is no `--- a/FILE`"),
        ("hello", "there is no `--- a/FILE`"),
        ("--- a/x\n", "`+++ b/FILE` is wanted"),
        ("--- a/x\n+++ b/x\n", "begins with `@@`"),
        ("--- a/x\n+++ b/y\n@@ @@\n-a\n+b\n", "`file.move`"),
        ("rename from a\n", "`file.move`"),
        ("--- a/../x\n+++ b/../x\n@@ @@\n-a\n+b\n", "`..`"),
        (
            "--- a/.git/x\n+++ b/.git/x\n@@ @@\n-a\n+b\n",
            "git's own files",
        ),
        (
            "--- /dev/null\n+++ b/x\n@@ @@\n-a\n+b\n",
            "only lines with `+`",
        ),
        ("--- /dev/null\n+++ /dev/null\n@@ @@\n+b\n", "line"),
        ("@@ @@\n", "a hunk without"),
        (
            "--- x\n+++ x\n@@ @@\n-a\n--- x\n+++ x\n@@ @@\n-b\n",
            "twice",
        ),
    ] {
        let error = yard.refused("file.patch", json!({ "patch": patch }));
        assert_eq!(error.kind, ErrorKind::Validation, "{patch}: {error}");
        assert!(error.message.contains(why), "{patch}: {error}");
    }
}
