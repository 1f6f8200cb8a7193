# fish completion of coppice: coppice completion fish | source

function __coppice_offers
    set -l words (commandline -opc) (commandline -ct)
    set -l offers ($words --generate-bash-completion 2>/dev/null)
    if test (count $offers) -gt 0
        printf '%s\n' $offers
    else
        __fish_complete_path (commandline -ct)
    end
end

complete -c coppice -f -a '(__coppice_offers)'
