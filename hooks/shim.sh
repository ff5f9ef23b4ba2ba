#!/bin/sh
# Written by treeyard, first on the PATH of a session's jobs; `treeyard doctor --fix` repairs it.
# Words that are harmless at a glance go on at once; about the others `treeyard` decides.
here=${0%/*}
name=${0##*/}
look=
case $name in
git)
    look=1
    skip=
    for word do
        [ -n "$skip" ] && skip= && continue
        case $word in
        -C) skip=1 ;;
        -p | -P | --paginate | --no-pager | --no-optional-locks | --literal-pathspecs) ;;
        # Git's own commands cannot be aliases.
        add | am | apply | blame | branch | cat-file | check-ignore | checkout | cherry-pick | clone | commit | \
            commit-tree | describe | diff | diff-files | diff-index | diff-tree | fetch | for-each-ref | format-patch | \
            fsck | gc | grep | hash-object | init | log | ls-files | ls-remote | ls-tree | merge | merge-base | mv | \
            name-rev | notes | pull | read-tree | reflog | remote | restore | rev-list | rev-parse | revert | rm | \
            shortlog | show | show-ref | stash | status | submodule | switch | symbolic-ref | tag | update-index | \
            update-ref | var | version | write-tree | --version | --exec-path)
            look=
            break
            ;;
        *) break ;;
        esac
    done
    [ $# -eq 0 ] && look=
    ;;
rm)
    for word do
        case $word in
        -*r* | -*R* | *treeyard*) look=1 ;;
        esac
    done
    ;;
esac
[ -n "$look" ] && [ -x "$here/treeyard" ] && exec "$here/treeyard" __shim "$here" "$name" "$@"
# The next one on the PATH. Behind the last time that this folder is named, so that nothing turns in circles.
case :$PATH: in
*":$here:"*) rest=:$PATH: rest=${rest##*":$here:"} ;;
*) rest=$PATH ;;
esac
set -f
IFS=:
for folder in $rest; do
    [ -x "$folder/$name" ] && [ -f "$folder/$name" ] && exec "$folder/$name" "$@"
done
# Somebody has put this folder last.
for folder in $PATH; do
    case $folder in
    "$here" | */treeyard/shims) continue ;;
    esac
    [ -x "$folder/$name" ] && [ -f "$folder/$name" ] && exec "$folder/$name" "$@"
done
echo "treeyard: $name: not found" >&2
exit 127
