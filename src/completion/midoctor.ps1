# Completions of midoctor for PowerShell 5.1 and newer. It asks midoctor what can come next; nothing that was typed is evaluated.

Register-ArgumentCompleter -Native -CommandName 'midoctor' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words before the one at the cursor: of a plain one what it says, of any other how it is written.
    $elements = @($commandAst.CommandElements)
    $words = @(
        foreach ($element in ($elements | Select-Object -Skip 1)) {
            if ($element.Extent.EndOffset -ge $cursorPosition) { break }
            if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
            else { $element.Extent.Text }
        }
    )
    $program = $commandAst.GetCommandName()

    # What midoctor prints is UTF-8, whatever the console was set to; an editor may have no console.
    $before = $null
    try {
        $before = [Console]::OutputEncoding
        [Console]::OutputEncoding = [System.Text.Encoding]::UTF8
    }
    catch { $before = $null }
    try { $lines = @(& $program generate candidates "--current=$wordToComplete" '--' $words 2>$null) }
    catch { $lines = @() }
    finally { if ($before) { [Console]::OutputEncoding = $before } }

    foreach ($line in $lines) {
        $kind, $value, $about = $line -split "`t"
        if (-not $about) { $about = $value }
        if ($kind -eq 'word' -or $kind -eq 'stem') {
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
        }
        elseif ($kind -eq 'file' -or $kind -eq 'directory') {
            $typed = $wordToComplete.Substring([Math]::Min($value.Length, $wordToComplete.Length))
            foreach ($found in [System.Management.Automation.CompletionCompleters]::CompleteFilename($typed)) {
                if ($kind -eq 'directory' -and $found.ResultType -ne 'ProviderContainer') { continue }
                [System.Management.Automation.CompletionResult]::new(
                    $value + $found.CompletionText, $found.ListItemText, $found.ResultType, $found.ToolTip)
            }
        }
    }
}
