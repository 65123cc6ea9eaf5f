# Completions of midoctor for Fish 3.1 and newer. It asks midoctor what can come next; nothing that was typed is evaluated.

function __midoctor_candidates
    set -l words (commandline -opc)
    # What is typed without its quotes; an open one is left out as well.
    set -l current (string unescape -- (commandline -ct) | string collect)
    or set current (string replace -ra '[\'"\\\\]' '' -- (commandline -ct))
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -e words[1]

    for line in ($program generate candidates --current="$current" -- $words 2>/dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case word
                printf '%s\t%s\n' $parts[2] $parts[3]
            case stem
                # Fish would put a blank behind it, so what goes on with a file is a word of its own.
                printf '%s\t%s\n' $parts[2] $parts[3]
                printf '%s=\t%s\n' $parts[2] 'to a file'
            case file
                set -l typed (string sub -s (math (string length -- "$parts[2]") + 1) -- $current)
                set -l found (__fish_complete_path (string replace -r '^~/' "$HOME/" -- "$typed"))
                if string match -q '~/*' -- "$typed"
                    set found (string replace -- "$HOME/" '~/' $found)
                end
                for path in $found
                    printf '%s%s\n' "$parts[2]" $path
                end
            case directory
                __fish_complete_directories "$current"
        end
    end
end

complete -c midoctor -f -k -a '(__midoctor_candidates)'
