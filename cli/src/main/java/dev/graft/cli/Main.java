package dev.graft.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code graft} command: one subcommand a verb. */
@Command(name = "graft", mixinStandardHelpOptions = true, version = "graft 0.1.0")
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.exit(new CommandLine(new Main()).execute(args));
  }
}
