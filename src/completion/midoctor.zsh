#compdef midoctor
# Completions of midoctor for Zsh. It asks midoctor what can come next; nothing that was typed is evaluated.

_midoctor() {
    local line kind value about prefix
    local -a parts whole open
    local current=${(Q)PREFIX} files= program=${(Q)words[1]}
    # As it was called, so that a program that is on no path is completed as well.
    [[ $program == '~/'* ]] && program=$HOME/${program#'~/'}

    for line in "${(@f)$("$program" generate candidates --current="$current" -- "${(@Q)words[2,CURRENT-1]}" 2>/dev/null)}"; do
        parts=("${(@ps:\t:)line}")
        kind=$parts[1] value=$parts[2] about=$parts[3]
        case $kind in
            word) whole+=("${value//:/\\:}:$about") ;;
            stem) open+=("${value//:/\\:}:$about") ;;
            file) files=all prefix=$value ;;
            directory) files=directories prefix=$value ;;
        esac
    done

    if [[ -n $files ]]; then
        [[ -n $prefix ]] && compset -P "${(b)prefix}"
        if [[ $files == directories ]]; then _files -/; else _files; fi
        return
    fi
    local -i ret=1
    (($#whole)) && _describe -V 'word' whole && ret=0
    # What can go on with = and a file gets no blank.
    (($#open)) && _describe -V 'format' open -S '' && ret=0
    return ret
}

# Sourced, it is told for which command it is; found on the fpath, it is called.
if [[ $funcstack[1] == _midoctor ]]; then
    _midoctor "$@"
else
    compdef _midoctor midoctor
fi
