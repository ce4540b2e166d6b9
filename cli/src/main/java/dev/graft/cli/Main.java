package dev.graft.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The {@code graft} command: one subcommand a verb, one class a verb.
 *
 * <p>A verb throws; it prints no error of its own. {@link ErrorReport} turns whatever was thrown
 * into one sentence and an exit code.
 */
@Command(
    name = "graft",
    description = "Joins experts onto a trained trunk: dense checkpoint in, trained MoE out.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      // One a line, in the order in which they are used.
      DemoCommand.class,
      PullCommand.class,
      TokenizeCommand.class,
      UpcycleCommand.class,
      QuantizeCommand.class,
      ExportCommand.class,
      InspectCommand.class,
      PlanCommand.class,
      ProfileCommand.class,
      TrainCommand.class,
      LaunchCommand.class,
      GenerateCommand.class,
      ChatCommand.class,
      ServeCommand.class,
      LogitsCommand.class,
      PerplexityCommand.class,
      EvalCommand.class,
      BenchCommand.class,
      ReportCommand.class,
      RankCommand.class,
      RehearseCommand.class,
      CommandLine.HelpCommand.class,
    })
public final class Main implements Callable<Integer> {
  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of an error.")
  boolean debug;

  @Spec CommandSpec spec;

  private Main() {}

  /** Runs the command line and ends the process with its exit code. */
  public static void main(String[] args) {
    if (System.getenv("GRAFT_TAKE_LINE_BACK") != null) {
      System.err.print("\u001b[1A\u001b[2K");
    }
    StandardOutput out = StandardOutput.install();
    int code = run(args);
    System.exit(out.exitCode(code));
  }

  /**
   * Runs one command line in this process, as a test does.
   *
   * @return 0 when it did what was asked, 1 when it failed, 2 when what the user gave is at fault
   */
  public static int run(String... args) {
    ErrorReport errors = new ErrorReport(System.err);
    try {
      Machine.here().require();
      return commandLine(errors).execute(args);
    } catch (Throwable thrown) { // errors such as OutOfMemoryError pass picocli by
      return errors.report(thrown, asksForStackTrace(args));
    }
  }

  static CommandLine commandLine(ErrorReport errors) {
    CommandLine graft = new CommandLine(new Main());
    graft.setParameterExceptionHandler(
        (thrown, args) -> errors.report(thrown, asksForStackTrace(args)));
    graft.setExecutionExceptionHandler((thrown, command, parsed) ->
        errors.report(thrown, asksForStackTrace(parsed.originalArgs().toArray(String[]::new))));
    graft
        .getSubcommands()
        .values()
        .forEach(verb -> verb.getCommandSpec().versionProvider(new Version()));
    ExitCode.document(graft);
    return graft;
  }

  /** {@code graft} alone is a question, not a command: the answer goes where errors go. */
  @Override
  public Integer call() {
    PrintWriter err = spec.commandLine().getErr();
    spec.commandLine().usage(err);
    return ExitCode.INVALID_INPUT.code();
  }

  /** Read from the raw arguments, since the line may not have parsed. */
  private static boolean asksForStackTrace(String[] args) {
    for (String arg : args) {
      if (arg.equals("--")) {
        return false;
      }
      if (arg.equals("--debug")) {
        return true;
      }
    }
    return false;
  }
}
