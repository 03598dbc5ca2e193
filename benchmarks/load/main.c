#include "deflate.h"
#include "dialogue.h"
#include "options.h"
#include "script.h"
#include "stream.h"
#include "traffic.h"

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    load_script();
    load_dialogue();
    prepare_streams();
    prepare_deflate();
    run_traffic();
}
