# Completions of midoctor for Bash 3.2 and newer. It asks midoctor what can come next; nothing that was typed is evaluated.

_midoctor() {
    local rest=${COMP_LINE:0:COMP_POINT} piece gap last=-1 i
    local -a words=()

    # Bash cuts words at signs such as = and :, so they are put together again: pieces without a blank between them are one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        gap=${rest%%[![:blank:]]*}
        rest=${rest:${#gap}}
        if ((i == COMP_CWORD)); then
            piece=$rest
        else
            piece=${COMP_WORDS[i]}
        fi
        rest=${rest:${#piece}}
        if [[ -z $gap && $last -ge 0 ]]; then
            words[last]+=$piece
        else
            words[++last]=$piece
        fi
    done
    # Quotes that are open or closed are not of the word.
    local current=${words[last]//[\"\'\\]/}

    # As it was called, so that a program that is on no path is completed as well.
    local program=$1
    [[ $program == \~/* ]] && program=$HOME/${program:2}

    # What Bash will replace is what stands behind the last cut.
    local typed=${2//[\"\'\\]/}
    local cut=${current%"$typed"}

    local kind value is_open='' files='' prefix=''
    COMPREPLY=()
    while IFS=$'\t' read -r kind value _; do
        case $kind in
            word) COMPREPLY+=("${value#"$cut"}") ;;
            stem) COMPREPLY+=("${value#"$cut"}"); is_open=yes ;;
            file) files=-f prefix=$value ;;
            directory) files=-d prefix=$value ;;
        esac
    done < <("$program" generate candidates --current="$current" -- "${words[@]:1:last-1}" 2>/dev/null)

    if [[ -n $files ]]; then
        while IFS= read -r value; do
            value=$prefix$value
            COMPREPLY+=("${value#"$cut"}")
        done < <(compgen "$files" -- "${current#"$prefix"}")
        # Their names are quoted, and directories go on.
        type compopt >/dev/null 2>&1 && compopt -o filenames
    elif [[ -n $is_open ]]; then
        type compopt >/dev/null 2>&1 && compopt -o nospace
    fi
}

# The order of the catalogue says more than that of the alphabet; older ones cannot keep it.
complete -o nosort -F _midoctor midoctor 2>/dev/null || complete -F _midoctor midoctor
