# Examines this VM with the midoctor that is installed on it, for Azure Run Command (RunPowerShellScript). Fetches nothing.
#
#   az vm run-command invoke --resource-group RG --name VM --command-id RunPowerShellScript --scripts "@windows.ps1" `
#     --parameters "Midoctor=C:\Program Files\midoctor\midoctor.exe"
#
# Run Command keeps the last 4,096 bytes of the output: the report for people comes first and may lose its head, the compact
# line, never longer than 4,000 bytes, comes last. What midoctor says on standard error is put before it.
#
# Exit codes: with Ending `ok`, 0 whenever there is a verdict, which is in the line with midoctor's exit code; with `verdict`,
# midoctor's own: 0 healthy, 1 unhealthy, 3 undetermined. Without a verdict 2, and a last line that begins with `midoctor:`.
param(
    [string] $Midoctor = "$env:ProgramFiles\midoctor\midoctor.exe",
    [string] $Config = '',
    [string] $Ending = 'ok'
)

# What midoctor writes is UTF-8, and Windows PowerShell 5.1 reads and writes another encoding unless it is told.
$utf8 = New-Object System.Text.UTF8Encoding($false)
[Console]::OutputEncoding = $utf8
# A line on standard error is no reason to stop.
$ErrorActionPreference = 'Continue'

function Fail([string] $Why) {
    Write-Output "midoctor: $Why"
    exit 2
}

if ($Ending -ne 'ok' -and $Ending -ne 'verdict') {
    Fail "Ending is ok or verdict, and not $Ending"
}
if (-not (Test-Path -LiteralPath $Midoctor -PathType Leaf)) {
    Fail "$Midoctor is no program on this VM; install it, or name it in the parameter Midoctor"
}
$folder = Join-Path ([System.IO.Path]::GetTempPath()) ([System.IO.Path]::GetRandomFileName())
New-Item -ItemType Directory -Path $folder | Out-Null
try {
    $text = Join-Path $folder 'text'
    $compact = Join-Path $folder 'compact'
    $flags = @('check', '--color', 'never', '-o', "text=$text", '-o', "compact=$compact")
    if ($Config -ne '') {
        $flags += @('--config', $Config)
    }
    $said = & $Midoctor @flags 2>&1 | ForEach-Object { "$_" }
    $code = $LASTEXITCODE
    if (-not (Test-Path -LiteralPath $compact -PathType Leaf)) {
        Fail "no verdict (exit code $code): $($said | Select-Object -Last 1)"
    }
    [System.IO.File]::ReadAllText($text, $utf8)
    $said
    [System.IO.File]::ReadAllText($compact, $utf8).TrimEnd()
}
finally {
    Remove-Item -Recurse -Force -LiteralPath $folder
}
if ($Ending -eq 'verdict') {
    exit $code
}
exit 0
