#compdef coppice
# zsh completion of coppice: source <(coppice completion zsh)

_coppice() {
  local -a offers
  local offer word tab=$'\t'
  for offer in "${(@f)$("${(@Q)words[1,CURRENT]}" --generate-bash-completion 2>/dev/null)}"; do
    [[ -z $offer ]] && continue
    word=${offer%%$tab*}
    if [[ $offer == *$tab* ]]; then
      offers+=("${word//:/\\:}:${offer#*$tab}")
    else
      offers+=("${word//:/\\:}")
    fi
  done
  if (( ${#offers} )); then
    _describe coppice offers
  else
    _files
  fi
}

compdef _coppice coppice
