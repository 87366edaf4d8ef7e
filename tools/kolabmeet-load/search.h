/* Finds the highest load that goes well: doubles until one does not, then bisects. One that goes badly is
 * tried once more before it is believed, since other things happen on machines too. */
#pragma once

#include <stdbool.h>

struct search {
    double min;       /* loads are whole numbers from here … */
    double max;       /* … to here */
    double precision; /* ends when good and bad are this share apart */
    double good;      /* the highest load that went well; 0: none yet */
    double bad;       /* the lowest one that did not; 0: none yet */
    double load;      /* the one being tried */
    bool is_retry;
};

/* start is the first load to be tried. */
void search_init(struct search *search, double start, double min, double max, double precision);

/* Takes how the present load went; false when nothing is left to be tried: search->good is the answer. */
bool search_take(struct search *search, bool went_well);
