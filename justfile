# The verbs of .ci/run, one at a time.

# List the recipes
default:
    @just --list

# Everything that must hold before a change is taken
ci:
    .ci/run

# Format the source
fmt:
    cargo fmt

# Check format and lints
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Run the tests, or those whose name contains FILTER
test *FILTER:
    cargo test {{ FILTER }}

# Check the rules on ranks, file length and forbidden calls
architecture:
    cargo test --test main architecture

# Build the documentation, warnings denied
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

# Check licences, sources and advisories of the dependencies
deny:
    cargo deny check

# The main job on a scratch clone
demo:
    cargo run --release -- demo

# Measure against other tools; see scripts/bench --help
bench *ARGS:
    scripts/bench {{ ARGS }}

# Measure the hot functions alone
bench-hot *FILTER:
    cargo bench --bench hot -- {{ FILTER }}

# Kill treeyard at every system call, let calls fail, and look at what became of the work
kill-sweep *ARGS:
    scripts/kill-sweep {{ ARGS }}

# Let many sessions use git at once, and look whether anything of the main checkout changed
git-stress *ARGS:
    scripts/git-stress {{ ARGS }}

# Try every known way around a scope, from the commit to the landing
ways-around:
    scripts/ways-around

# Install husky, lefthook and pre-commit from their registries, and treeyard's hooks in front
hook-managers *ARGS:
    scripts/hook-managers {{ ARGS }}
