#!/bin/sh
# Written by `treeyard hooks install`; `treeyard hooks uninstall` removes it.
here=${0%/*}
name=${0##*/}
behind=@BEHIND@
own=$behind/$name
[ -f "$own" ] && [ -x "$own" ] || own=
gone="treeyard: $here/treeyard leads nowhere, so nothing is checked; run: treeyard doctor --fix"
# late NAME: whether there is a hook to start that git had no file for. It has one then.
late() {
    [ ! -e "$here/$1" ] && [ -f "$behind/$1" ] && [ -x "$behind/$1" ] || return 1
    ln "$0" "$here/$1" 2>/dev/null && return
    cp -p "$0" "$here/.$1.$$" 2>/dev/null && mv "$here/.$1.$$" "$here/$1" && return
    echo "treeyard: your $1 hook is new and cannot be put in use; run: treeyard hooks install" >&2
    return 1
}
if [ "$name" = prepare-commit-msg ]; then
    # A hook that came later is found by a link; one that looks beside itself has to be started by its own path.
    for later in "$here"/*-*; do
        [ -L "$later" ] && [ -f "$later" ] && ln -f "$0" "$later" 2>/dev/null
    done
    for early in pre-commit pre-merge-commit; do
        late "$early" && echo "treeyard: your $early hook is new: git did not run it this time, and does from now on" >&2
    done
fi
case $name in
commit-msg | pre-push)
    # Only in a worktree that a session adopted, which git names by its own git directory.
    guard=$here/../../workspaces/${GIT_DIR##*/}/guard.json
    [ -f "$guard" ] && [ -x "$here/treeyard" ] &&
        exec "$here/treeyard" __hook checkout "$behind" "$name" "$@"
    ;;
esac
case $name:$1 in
pre-commit:* | pre-merge-commit:* | prepare-commit-msg:*)
    [ -x "$here/treeyard" ] && exec "$here/treeyard" __hook checkout "$behind" "$name" "$@"
    echo "$gone" >&2
    ;;
reference-transaction:prepared)
    late pre-commit
    # Most transactions are about one ref that is no branch; to see that, no program is started.
    IFS= read -r seen
    case $seen in
    *" AUTO_MERGE" | *" ORIG_HEAD")
        [ -n "$own" ] || IFS= read -r more || exit 0
        [ -n "$own" ] || seen="$seen
$more"
        ;;
    esac
    [ -x "$here/treeyard" ] && exec "$here/treeyard" __hook checkout "$behind" "$name" "$1" "$seen"
    echo "$gone" >&2
    [ -n "$own" ] || exit 0
    { printf '%s\n' "$seen" && cat; } | "$own" "$1"
    exit
    ;;
esac
[ -n "$own" ] && exec "$own" "$@"
exit 0
