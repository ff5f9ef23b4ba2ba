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
    for (head, expected) in [
        ("@@ -24,2 +24,2 @@", 24),
        ("@@ -33 +33 @@", 34),
        ("@@ @@", 4),
    ] {
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
    yard.write("f", "a\nb");
    yard.ok(
        "file.patch",
        json!({ "patch": "--- f\n+++ f\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n" }),
    );
    assert!(yard.read("f").starts_with("A\nb"));
    // Only new lines, behind the one that is named.
    yard.write("f", "a\nb\n");
    yard.ok(
        "file.patch",
        json!({ "patch": "--- f\n+++ f\n@@ -1,0 +2 @@\n+new\n" }),
    );
    assert_eq!(yard.read("f"), "a\nnew\nb\n");
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
