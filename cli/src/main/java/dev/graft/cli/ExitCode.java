package dev.graft.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine;

/** How a verb can end. Printed in every {@code --help}. */
enum ExitCode {
  DONE(0, "done"),
  FAILURE(1, "something failed: a full disk, a lost file, too little memory"),
  INVALID_INPUT(2, "what was given cannot be used: an option, a recipe, a checkpoint");

  private final int code;
  private final String meaning;

  ExitCode(int code, String meaning) {
    this.code = code;
    this.meaning = meaning;
  }

  int code() {
    return code;
  }

  /** Adds the list of exit codes to the help of a command and of everything below it. */
  static void document(CommandLine command) {
    Map<String, String> meanings = new LinkedHashMap<>();
    for (ExitCode value : values()) {
      meanings.put(Integer.toString(value.code), value.meaning);
    }
    command.getCommandSpec().usageMessage().exitCodeListHeading("%nExit codes:%n");
    command.getCommandSpec().usageMessage().exitCodeList(meanings);
    command.getSubcommands().values().forEach(ExitCode::document);
  }
}
